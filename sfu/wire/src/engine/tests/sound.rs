//! Sound that is sent again (RFC 4585): what publishers are asked for, what viewers get, and how often.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bed::*;
use crate::command::Kind;
use crate::rtcp;

/// A listener (1, slot 0, SSRC 900) of one whose sound is repaired (2, track 21, SSRC 210).
fn listening() -> Bed {
    let mut bed = Bed::new();
    bed.join(1);
    bed.join(2);
    bed.sections(1, vec![], vec![slot(0, Kind::Audio, 900)]);
    let mut section = audio(21, 210);
    section.nack = true;
    bed.sections(2, vec![section], vec![]);
    bed.routes(&[(21, 1, 0)]);
    bed.gate(1, true);
    bed.gate(2, true);
    bed.drain();
    bed
}

fn say(bed: &mut Bed, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        bed.send(2, &sound(210, number, tail(number)));
    }
}

/// How often the speaker was asked for each number since the last call.
fn asked(bed: &mut Bed) -> BTreeMap<u16, usize> {
    bed.drain();
    let mut counts = BTreeMap::new();
    let client = bed.clients.get_mut(&2).expect("a client");
    for compound in std::mem::take(&mut client.rtcp) {
        for packet in rtcp::packets(&compound) {
            if let Ok(rtcp::Packet::Nack(nack)) = packet {
                assert_eq!(nack.media, 210);
                nack.lost()
                    .for_each(|number| *counts.entry(number).or_default() += 1);
            }
        }
    }
    counts
}

#[test]
fn a_speaker_is_asked_for_what_is_missing_and_what_comes_late_finds_its_place() {
    let mut bed = listening();
    say(&mut bed, [100]);
    bed.pass(Duration::from_millis(20));
    say(&mut bed, [102, 105]);
    let got = bed.drain();
    assert_eq!(marks(&got), [100, 102, 105]);
    let first = got[0].header;
    bed.pass(Duration::from_millis(9));
    assert_eq!(asked(&mut bed), BTreeMap::new(), "it may be reordering");
    bed.pass(Duration::from_millis(30));
    let counts = asked(&mut bed);
    assert_eq!(counts.into_keys().collect::<Vec<u16>>(), [101, 103, 104]);

    say(&mut bed, [104, 101, 103]);
    let got = bed.drain();
    assert_eq!(marks(&got), [104, 101, 103]);
    for (got, number) in got.iter().zip([104, 101, 103]) {
        assert_eq!(
            got.header.sequence,
            first.sequence.wrapping_add(number - 100)
        );
        let ticks = u32::from(number - 100) * 3_000;
        assert_eq!(got.header.timestamp, first.timestamp.wrapping_add(ticks));
    }
    assert_eq!(bed.engine.counters.rtx_recovered, 3);
    bed.pass(Duration::from_secs(1));
    assert_eq!(asked(&mut bed), BTreeMap::new());
}

#[test]
fn sound_that_was_overtaken_on_its_way_is_no_repair() {
    let mut bed = listening();
    say(&mut bed, [100, 102, 101]);
    assert_eq!(marks(&bed.drain()), [100, 102, 101]);
    assert_eq!(bed.engine.counters.rtx_recovered, 0);
}

#[test]
fn asking_for_sound_ends() {
    let mut bed = listening();
    say(&mut bed, [100, 102]);
    bed.pass(Duration::from_millis(500));
    let counts = asked(&mut bed);
    assert!((3..=30).contains(&counts[&101]), "{counts:?}");
    bed.pass(Duration::from_secs(5));
    assert_eq!(asked(&mut bed), BTreeMap::new());
    assert_eq!(bed.keyframe_requests(2), 0);
}

#[test]
fn who_sends_sound_alone_hears_that_it_comes() {
    let mut bed = listening();
    bed.pass(Duration::from_secs(2));
    bed.drain();
    let mut heard = Vec::new();
    for n in 0..100 {
        say(&mut bed, [100 + n]);
        bed.pass(Duration::from_millis(20));
        bed.drain();
        let client = bed.clients.get_mut(&2).expect("a client");
        if !std::mem::take(&mut client.rtcp).is_empty() {
            heard.push(n * 20);
        }
    }
    let longest = heard.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(longest.is_some_and(|longest| longest <= 320), "{heard:?}");
    assert!(heard.len() <= 10);
}

#[test]
fn transport_wide_feedback_says_it_too() {
    let mut bed = pair();
    bed.drain();
    for n in 0..100 {
        let mut packet = sound(210, 100 + n, tail(n));
        let number = (n as u16).to_be_bytes().to_vec();
        packet.extensions.push((TRANSPORT_CC, number));
        bed.send(2, &packet);
        bed.pass(Duration::from_millis(20));
        bed.drain();
    }
    let client = bed.clients.get_mut(&2).expect("a client");
    let compounds = std::mem::take(&mut client.rtcp);
    let mut packets = compounds
        .iter()
        .flat_map(|compound| rtcp::packets(compound));
    assert!(compounds.len() > 30);
    assert!(packets.all(|packet| match packet {
        Ok(rtcp::Packet::ReceiverReport(report)) => report.blocks().count() > 0,
        packet => packet.is_ok(),
    }));
}

#[test]
fn nobody_is_asked_who_did_not_offer_it() {
    let mut bed = pair();
    say(&mut bed, [100, 102]);
    bed.pass(Duration::from_secs(1));
    assert_eq!(asked(&mut bed), BTreeMap::new());
}

#[test]
fn a_listener_gets_what_it_asks_for_as_it_was_to_the_byte() {
    let mut bed = listening();
    say(&mut bed, [100]);
    let first = bed.drain()[0].header.sequence;
    let number = |n: u64| first.wrapping_add((n - 100) as u16);
    bed.nack(1, 900, &[number(100)]);
    assert_eq!(bed.wire().len(), 0, "what is asked for first is not there");
    say(&mut bed, [101, 102]);
    let left = bed.wire();
    assert_eq!(left.len(), 2);
    bed.nack(1, 900, &[number(102), number(101)]);
    let again = bed.wire();
    assert_eq!(again, [left[1].clone(), left[0].clone()]);
    assert_eq!(bed.engine.counters.rtx_sent, 2);

    // Not what another got, nor what is old.
    bed.nack(1, 901, &[number(101)]);
    bed.nack(2, 900, &[number(101)]);
    bed.pass(Duration::from_secs(1));
    bed.nack(1, 900, &[number(101)]);
    assert_eq!(bed.wire().len(), 0);
    assert_eq!(bed.engine.counters.rtx_sent, 2);
}

#[test]
fn a_listener_that_asks_without_end_gets_each_packet_three_times() {
    let mut bed = listening();
    say(&mut bed, [99]);
    bed.nack(1, 900, &[0]);
    bed.drain();
    say(&mut bed, 100..150);
    let numbers: Vec<u16> = bed.drain().iter().map(|got| got.header.sequence).collect();
    let mut sent = 0;
    for _ in 0..400 {
        bed.nack(1, 900, &numbers);
        bed.pass(Duration::from_millis(2));
        sent += bed.wire().len();
    }
    assert_eq!(sent, 50 * 3);
}

#[test]
fn nothing_comes_again_through_a_closed_gate_nor_after_it() {
    for owner in [1, 2] {
        let mut bed = listening();
        say(&mut bed, [100]);
        let first = bed.drain()[0].header.sequence;
        bed.nack(1, 900, &[first]);
        say(&mut bed, [101]);
        assert_eq!(marks(&bed.drain()), [101]);
        // Under way when it closes, and asked for while it is closed.
        bed.nack(1, 900, &[first.wrapping_add(1)]);
        bed.gate(owner, false);
        bed.nack(1, 900, &[first.wrapping_add(1)]);
        assert_eq!(bed.wire().len(), 0);
        bed.gate(owner, true);
        bed.nack(1, 900, &[first.wrapping_add(1)]);
        assert_eq!(bed.wire().len(), 0);
    }
}

#[test]
fn a_queue_that_is_full_takes_no_repeats() {
    let mut bed = listening();
    say(&mut bed, [99]);
    bed.nack(1, 900, &[0]);
    bed.drain();
    let long = |number| sound(210, number, vec![0x78; 1_150]);
    let mut numbers = Vec::new();
    for number in 100..1_100 {
        bed.send(2, &long(number));
        if number == 100 {
            numbers.extend(bed.drain().iter().map(|got| got.header.sequence));
        }
    }
    let first = numbers[0];
    let newest: Vec<u16> = (800..900).map(|n: u16| first.wrapping_add(n)).collect();
    bed.nack(1, 900, &newest);
    assert_eq!(bed.engine.counters.rtx_sent, 0);
    bed.drain();
}
