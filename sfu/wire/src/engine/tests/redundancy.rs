//! Redundant audio (RFC 2198), and codecs that change: each viewer gets what it can read, and nothing from before its opening.

use std::collections::BTreeSet;
use std::time::Duration;

use super::bed::*;
use crate::codec::Codec;
use crate::command::{Format, Kind, SendSlot};
use crate::rtcp;

const RED: u8 = 63;
/// Ticks of 20 ms.
const FRAME: u16 = 960;

fn red(inner: u8) -> Format {
    Format {
        codec: Codec::Red,
        format: format!("red/{inner}"),
        payload_type: RED,
        clock_rate: 48_000,
        rtx_payload_type: None,
    }
}

fn listener(formats: Vec<Format>) -> SendSlot {
    SendSlot {
        formats,
        ..slot(0, Kind::Audio, 900)
    }
}

/// One who speaks redundantly (2, track 21, SSRC 210), and one who hears in a section of those formats (1, SSRC 900).
fn pair_of(formats: Vec<Format>) -> Bed {
    let mut bed = Bed::new();
    bed.join(1);
    bed.join(2);
    bed.sections(1, vec![], vec![listener(formats)]);
    let mut section = audio(21, 210);
    section.formats = vec![red(AUDIO), format(Kind::Audio)];
    bed.sections(2, vec![section], vec![]);
    bed.routes(&[(21, 1, 0)]);
    bed.gate(1, true);
    bed.gate(2, true);
    bed.drain();
    bed
}

/// Frame `n` behind copies of the `copies` before it, the oldest first.
fn speech(n: u64, copies: u64) -> Packet {
    let said = |n: u64| [&[0x78][..], &tail(n)].concat();
    let mut payload = Vec::new();
    for distance in (1..=copies).rev() {
        let age = FRAME * distance as u16;
        payload.extend([
            0x80 | AUDIO,
            (age >> 6) as u8,
            (age << 2) as u8,
            said(n).len() as u8,
        ]);
    }
    payload.push(AUDIO);
    for distance in (0..=copies).rev() {
        payload.extend(said(n - distance));
    }
    Packet {
        payload_type: RED,
        timestamp: n as u32 * u32::from(FRAME),
        ..packet(210, n, payload)
    }
}

/// The numbers that the speaker was asked for since the last call.
fn asked(bed: &mut Bed) -> BTreeSet<u16> {
    bed.drain();
    let client = bed.clients.get_mut(&2).expect("a client");
    let compounds = std::mem::take(&mut client.rtcp);
    let packets = compounds
        .iter()
        .flat_map(|compound| rtcp::packets(compound));
    packets
        .filter_map(|packet| match packet {
            Ok(rtcp::Packet::Nack(nack)) => Some(nack.lost().collect::<Vec<u16>>()),
            _ => None,
        })
        .flatten()
        .collect()
}

fn plain() -> Format {
    Format {
        payload_type: 109,
        ..format(Kind::Audio)
    }
}

#[test]
fn a_viewer_that_reads_it_gets_it_as_it_is_but_for_what_was_said_before_the_opening() {
    let mut bed = pair_of(vec![format(Kind::Audio), red(AUDIO)]);
    bed.send(2, &speech(10, 1));
    bed.send(2, &speech(11, 1));
    bed.send(2, &speech(12, 2));
    let got = bed.drain();
    let types: Vec<u8> = got.iter().map(|got| got.header.payload_type).collect();
    assert_eq!(types, [AUDIO, RED, RED]);
    assert_eq!(got[0].payload, [&[0x78][..], &tail(10)].concat());
    assert_eq!(got[1].payload, speech(11, 1).payload);
    assert_eq!(got[2].payload, speech(12, 2).payload);

    bed.gate(2, false);
    bed.send(2, &speech(13, 1));
    bed.gate(2, true);
    bed.send(2, &speech(14, 1));
    bed.send(2, &speech(15, 2));
    bed.send(2, &speech(16, 2));
    let got = bed.drain();
    let types: Vec<u8> = got.iter().map(|got| got.header.payload_type).collect();
    assert_eq!(types, [AUDIO, AUDIO, RED]);
    assert_eq!(bed.engine.counters.red_recovered, 0);

    // What was lost on the way to us goes plain and in its place: the packet that has the copy may be lost after us.
    bed.send(2, &speech(18, 1));
    let got = bed.drain();
    let types: Vec<u8> = got.iter().map(|got| got.header.payload_type).collect();
    assert_eq!(types, [AUDIO, RED]);
    assert_eq!(got[0].payload, [&[0x78][..], &tail(17)].concat());
    assert_eq!(bed.engine.counters.red_recovered, 1);
}

#[test]
fn a_viewer_without_it_gets_plain_audio_and_what_was_lost_under_its_own_number() {
    for formats in [
        vec![plain()],
        // The same words with other numbers inside are no common language.
        vec![plain(), red(109)],
    ] {
        let mut bed = pair_of(formats);
        for packet in [
            speech(10, 1),
            speech(11, 1),
            speech(13, 1),
            speech(16, 2),
            speech(15, 1),
        ] {
            bed.send(2, &packet);
        }
        let got = bed.drain();
        assert_eq!(marks(&got), [10, 11, 12, 13, 14, 15, 16]);
        let first = got[0].header;
        for (n, got) in got.iter().enumerate() {
            assert_eq!(got.header.payload_type, 109);
            assert_eq!(
                got.header.sequence,
                first.sequence.wrapping_add(n as u16),
                "in order, none twice"
            );
            let ticks = u32::from(FRAME) * n as u32;
            assert_eq!(got.header.timestamp, first.timestamp.wrapping_add(ticks));
            assert_eq!(got.payload.len(), 13);
        }
        assert_eq!(bed.engine.counters.red_recovered, 3);
        assert_eq!(bed.engine.counters.rtp_forwarded, 7);
    }
}

#[test]
fn a_speaker_is_asked_for_what_no_copy_brings_and_nothing_goes_out_twice() {
    for formats in [vec![plain()], vec![format(Kind::Audio), red(AUDIO)]] {
        let mut bed = pair_of(formats);
        let mut section = audio(21, 210);
        section.formats = vec![red(AUDIO), format(Kind::Audio)];
        section.nack = true;
        bed.sections(2, vec![section], vec![]);
        for n in [10, 11, 13] {
            bed.send(2, &speech(n, 1));
        }
        assert_eq!(marks(&bed.drain()), [10, 11, 12, 13]);
        bed.pass(Duration::from_millis(100));
        assert_eq!(asked(&mut bed), BTreeSet::new(), "12 came as a copy");

        bed.send(2, &speech(17, 1));
        assert_eq!(marks(&bed.drain()), [16, 17]);
        bed.pass(Duration::from_millis(100));
        assert_eq!(asked(&mut bed), BTreeSet::from([14, 15]));
        // They come, and so does what its copy stood for.
        for n in [15, 14, 16, 12] {
            bed.send(2, &speech(n, 1));
        }
        assert_eq!(marks(&bed.drain()), [15, 14]);
        bed.pass(Duration::from_millis(100));
        assert_eq!(asked(&mut bed), BTreeSet::new());
        assert_eq!(bed.engine.counters.red_recovered, 2);
        assert_eq!(bed.engine.counters.rtx_recovered, 2);
    }
}

#[test]
fn an_empty_copy_brings_nothing_so_its_packet_is_asked_for() {
    let mut bed = pair_of(vec![plain()]);
    let mut section = audio(21, 210);
    section.formats = vec![red(AUDIO), format(Kind::Audio)];
    section.nack = true;
    bed.sections(2, vec![section], vec![]);
    bed.send(2, &speech(10, 0));
    // 13 with a copy of 11, whole, and one of 12, of no bytes.
    let mut holed = speech(13, 2);
    let said = tail(12).len() + 1;
    holed.payload[7] = 0;
    holed.payload.drain(9 + said..9 + 2 * said);
    bed.send(2, &holed);
    assert_eq!(marks(&bed.drain()), [10, 11, 13]);
    bed.pass(Duration::from_millis(100));
    assert_eq!(asked(&mut bed), BTreeSet::from([12]));
}

#[test]
fn nothing_from_before_the_opening_is_recovered() {
    let mut bed = pair_of(vec![plain()]);
    bed.send(2, &speech(10, 1));
    assert_eq!(marks(&bed.drain()), [10]);
    bed.gate(2, false);
    bed.send(2, &speech(11, 1));
    bed.gate(2, true);
    bed.send(2, &speech(12, 1));
    bed.send(2, &speech(14, 3));
    assert_eq!(marks(&bed.drain()), [12, 13, 14]);

    // Numbers that say after, and a time that says before: a copy is what its time says.
    let mut bed = pair_of(vec![plain()]);
    bed.send(2, &speech(10, 0));
    let mut shifted = speech(12, 1);
    shifted.timestamp = speech(10, 0).timestamp + 5;
    bed.send(2, &shifted);
    assert_eq!(marks(&bed.drain()), [10, 12]);
}

#[test]
fn what_is_no_redundant_audio_goes_nowhere() {
    let mut bed = pair_of(vec![plain()]);
    bed.send(2, &speech(10, 0));
    let mut torn = speech(11, 1);
    torn.payload.truncate(9);
    bed.send(2, &torn);
    let mut foreign = speech(12, 1);
    foreign.payload[4] = 8;
    bed.send(2, &foreign);
    assert_eq!(marks(&bed.drain()), [10]);
    assert_eq!(bed.engine.counters.dropped_malformed, 2);
    let empty = Packet {
        payload: vec![],
        padding: 9,
        ..speech(13, 0)
    };
    bed.send(2, &empty);
    bed.send(2, &speech(14, 0));
    assert_eq!(marks(&bed.drain()), [14]);
}

#[test]
fn a_viewer_without_the_new_codec_starts_again_when_the_old_one_is_back() {
    let mut bed = pair();
    let h264 = Format {
        codec: Codec::H264,
        format: "H264/1/42e01f".to_owned(),
        payload_type: 103,
        ..format(Kind::Video)
    };
    let mut section = video(22, 220);
    section.formats.push(h264);
    bed.sections(2, vec![section, audio(21, 210)], vec![]);
    bed.send(2, &packet(220, 1, key(1)));
    for n in 2..700 {
        bed.send(
            2,
            &Packet {
                payload_type: 103,
                ..packet(220, n, delta(n))
            },
        );
    }
    bed.send(2, &packet(220, 700, delta(700)));
    bed.send(2, &packet(220, 701, key(701)));
    bed.send(2, &packet(220, 702, delta(702)));
    let got = bed.drain();
    assert_eq!(marks(&got), [1, 701, 702]);
    let first = got[0].header.sequence;
    let sequences: Vec<u16> = got
        .iter()
        .map(|got| got.header.sequence.wrapping_sub(first))
        .collect();
    assert_eq!(sequences, [0, 1, 2]);
}
