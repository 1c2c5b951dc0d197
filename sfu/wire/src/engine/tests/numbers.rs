//! No index of an SSRC is used twice under the same keys, and receivers never lose count. The bed opens all that is sent.

use std::time::Duration;

use super::bed::*;
use crate::command::{Command, Kind, PeerId};

#[test]
fn streams_that_change_sections_go_on_with_their_numbers() {
    let mut bed = pair();
    bed.sections(2, vec![video(22, 220), video(23, 230)], vec![]);
    let (a, b) = (900, 940);
    let mut index = 0;
    for turn in 0..6 {
        let (first, second) = if turn % 2 == 0 { (a, b) } else { (b, a) };
        let slots = vec![slot(0, Kind::Video, first), slot(1, Kind::Video, second)];
        bed.sections(1, vec![], slots);
        bed.routes(&[(22, 1, 0), (23, 1, 1)]);
        for n in 0..5 {
            index += 1;
            bed.send(2, &packet(220, index, key(n)));
            bed.send(2, &packet(230, index, key(100 + n)));
        }
        let got = bed.drain();
        assert_eq!(got.len(), 10);
        for (ssrc, marks) in [(first, 0..5), (second, 100..105)] {
            let mine: Vec<u64> = got
                .iter()
                .filter(|got| got.header.ssrc == ssrc)
                .filter_map(|got| mark(&got.payload))
                .collect();
            assert_eq!(mine, marks.collect::<Vec<u64>>());
        }
        let lost: Vec<u16> = got
            .iter()
            .filter(|got| got.header.ssrc == first)
            .map(|got| got.header.sequence)
            .collect();
        bed.nack(1, first, &lost);
        assert_eq!(bed.drain().len(), 5);
    }
}

#[test]
fn two_sections_never_share_an_ssrc() {
    let mut bed = pair();
    bed.sections(2, vec![video(22, 220), video(23, 230)], vec![]);
    // The second section's media is the first's retransmission; the third is its own.
    let mut own = slot(2, Kind::Video, 950);
    own.rtx_ssrc = Some(950);
    let slots = vec![slot(0, Kind::Video, 900), slot(1, Kind::Video, 901), own];
    bed.sections(1, vec![], slots);
    bed.routes(&[(22, 1, 0), (23, 1, 1), (22, 1, 2)]);
    assert_eq!(bed.engine.routes(), [route((22, 1, 0))]);
}

#[test]
fn keys_are_set_once() {
    let mut bed = pair();
    let pli = |bed: &mut Bed, n: u64| {
        bed.pass(Duration::from_secs(1));
        bed.check(1, false);
        bed.check(2, false);
        bed.send(2, &packet(220, n, key(n)));
        bed.pli(1, 900);
        bed.drain();
    };
    pli(&mut bed, 1);
    for id in [1, 2] {
        bed.apply(Command::SetKeys {
            peer: PeerId(id),
            keys: keys(id),
        });
    }
    // RTCP counts on, or the bed could not open it; and what came before is not let in again.
    pli(&mut bed, 2);
    let replayed = bed.engine.counters.dropped_replay;
    bed.send(2, &packet(220, 1, key(1)));
    assert_eq!(bed.engine.counters.dropped_replay, replayed + 1);
}

#[test]
fn no_jump_of_a_publisher_makes_a_viewer_lose_count() {
    let mut bed = pair();
    let mut index = 0;
    let mut got = 0;
    for n in 0..200_u64 {
        index += 32_000;
        bed.send(2, &packet(220, index, key(n)));
        bed.send(2, &sound(210, index, tail(n)));
        // Half of what is sent to the viewer is lost, ten packets in a row.
        if (n / 10) % 2 == 0 {
            got += bed.drain().len();
        } else {
            bed.engine.drain_transmits(|_, _| {});
        }
    }
    assert_eq!(got, 200);
}

#[test]
fn packets_around_a_jump_keep_their_place() {
    let mut bed = pair();
    for index in [10, 11, 5_000, 12, 4_999, 5_001] {
        bed.send(2, &packet(220, index, key(index)));
    }
    let got = bed.drain();
    // 12 and 4,999 come from before the new start.
    assert_eq!(marks(&got), [10, 11, 5_000, 5_001]);
    let numbers: Vec<u16> = got.iter().map(|got| got.header.sequence).collect();
    let first = numbers[0];
    assert_eq!(numbers, [first, first + 1, first + 2, first + 3]);
    // Of a gap that a publisher can be asked about the viewer sees the true width.
    bed.send(2, &packet(220, 5_101, delta(1)));
    assert_eq!(bed.drain()[0].header.sequence, first + 103);
}

#[test]
fn padding_leaves_no_gap() {
    let mut bed = pair();
    bed.send(2, &packet(220, 1, key(1)));
    let first = bed.drain()[0].header.sequence;
    for n in 0..200 {
        let padding = Packet {
            padding: 200,
            ..packet(220, 2 + n, Vec::new())
        };
        bed.send(2, &padding);
    }
    bed.send(2, &packet(220, 202, delta(2)));
    let got = bed.drain();
    assert_eq!((got.len(), got[0].header.sequence), (1, first + 1));
}

#[test]
fn a_publisher_that_repeats_a_number_makes_nobody_repeat_ours() {
    let mut bed = pair();
    let padding = Packet {
        padding: 200,
        ..packet(220, 2, Vec::new())
    };
    bed.send(2, &packet(220, 1, key(1)));
    bed.send(2, &padding);
    bed.send(2, &packet(220, 3, delta(3)));
    assert_eq!(marks(&bed.drain()), [1, 3]);
    // Long after, when no history remembers: the same numbers with other contents.
    bed.pass(Duration::from_secs(3));
    for n in 1..=3 {
        bed.send(2, &rtx(n, &packet(220, n, delta(10 + n))));
    }
    bed.send(2, &packet(220, 4, delta(4)));
    assert_eq!(marks(&bed.drain()), [4]);
}

#[test]
fn another_publisher_in_the_slot_goes_on_with_numbers_and_timestamps() {
    let mut bed = pair();
    bed.join(3);
    bed.sections(3, vec![video(32, 320)], vec![]);
    bed.gate(3, true);
    bed.send(2, &packet(220, 60_000, key(1)));
    bed.send(2, &packet(220, 60_001, delta(2)));
    let before = bed.drain();
    bed.routes(&[(32, 1, 0)]);
    bed.pass(Duration::from_millis(500));
    bed.send(3, &packet(320, 7, delta(3)));
    bed.send(3, &packet(320, 8, key(4)));
    let after = bed.drain();
    assert_eq!(marks(&after), [4]);
    let (last, next) = (&before[1].header, &after[0].header);
    assert_eq!(next.sequence, last.sequence.wrapping_add(1));
    assert_eq!(next.timestamp.wrapping_sub(last.timestamp), 45_000);
}

#[test]
fn a_keyframe_whose_start_comes_late_brings_what_followed_it() {
    let mut bed = pair();
    bed.send(2, &packet(220, 2, delta(2)));
    bed.send(2, &packet(220, 3, delta(3)));
    assert!(bed.drain().is_empty());
    bed.send(2, &packet(220, 1, key(1)));
    let got = bed.drain();
    assert_eq!(marks(&got), [1, 2, 3]);
    let numbers: Vec<u16> = got.iter().map(|got| got.header.sequence).collect();
    assert_eq!(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2]);
}
