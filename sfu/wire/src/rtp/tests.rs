//! Headers read, written and mangled.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn exhaust(packet: &[u8]) {
    if let Ok(header) = Header::parse(packet) {
        assert!(header.len <= packet.len());
        let bytes: usize = header
            .extensions(packet)
            .map(|(_, value)| value.len())
            .sum();
        assert!(bytes <= packet.len());
        if let Ok(payload) = header.payload(packet) {
            assert!(header.len + payload.len() <= packet.len());
        }
        // The header outlives the packet it was read from, as after decryption: still no panic.
        let _ = header.payload(packet.get(..header.len / 2).unwrap_or_default());
        header.extensions(&[]).for_each(drop);
    }
}

fn fixed(first: u8) -> Vec<u8> {
    vec![
        first,
        0xE0 | 0x01,
        0x12,
        0x34,
        0,
        0,
        0,
        9,
        0xDE,
        0xAD,
        0xBE,
        0xEF,
    ]
}

#[test]
fn reads_the_fixed_header() {
    let packet = [fixed(0x80), b"payload".to_vec()].concat();
    let header = Header::parse(&packet).expect("valid");
    assert!(header.marker && !header.padding);
    assert_eq!(
        (header.payload_type, header.sequence, header.timestamp),
        (97, 0x1234, 9)
    );
    assert_eq!((header.ssrc, header.len), (0xDEAD_BEEF, 12));
    assert_eq!(header.extensions(&packet).count(), 0);
    assert_eq!(header.payload(&packet), Ok(&b"payload"[..]));
}

#[test]
fn lengths_past_the_packet_are_errors() {
    for (name, packet, expected) in [
        ("empty", vec![], Err(RtpError::TooShort)),
        (
            "11 bytes",
            fixed(0x80)[..11].to_vec(),
            Err(RtpError::TooShort),
        ),
        ("version 1", fixed(0x40), Err(RtpError::Version)),
        ("version 3", fixed(0xC0), Err(RtpError::Version)),
        ("no CSRC", fixed(0x81), Err(RtpError::TooShort)),
        ("15 CSRCs", [fixed(0x8F), vec![0; 60]].concat(), Ok(72)),
        (
            "15 CSRCs but a byte",
            [fixed(0x8F), vec![0; 59]].concat(),
            Err(RtpError::TooShort),
        ),
        ("no extension", fixed(0x90), Err(RtpError::TooShort)),
        (
            "half a preamble",
            [fixed(0x90), vec![0xBE, 0xDE, 0]].concat(),
            Err(RtpError::TooShort),
        ),
        (
            "empty extension",
            [fixed(0x90), vec![0xBE, 0xDE, 0, 0]].concat(),
            Ok(16),
        ),
        (
            "extension cut",
            [fixed(0x90), vec![0xBE, 0xDE, 0, 1, 0, 0, 0]].concat(),
            Err(RtpError::TooShort),
        ),
        (
            "extension huge",
            [fixed(0x90), vec![0xBE, 0xDE, 0xFF, 0xFF]].concat(),
            Err(RtpError::TooShort),
        ),
        (
            "CSRC and extension",
            [fixed(0x91), vec![1, 2, 3, 4, 0xBE, 0xDE, 0, 1, 0, 0, 0, 0]].concat(),
            Ok(24),
        ),
    ] {
        assert_eq!(
            Header::parse(&packet).map(|header| header.len),
            expected,
            "{name}"
        );
    }
}

#[test]
fn padding_is_taken_off() {
    for (payload, expected) in [
        (&[][..], Err(RtpError::Padding)),
        (&[0], Err(RtpError::Padding)),
        (&[1], Ok(&[][..])),
        (&[2], Err(RtpError::Padding)),
        (&[9, 9, 1], Ok(&[9, 9])),
        (&[9, 0, 2], Ok(&[9])),
        (&[0, 0, 3], Ok(&[])),
        (&[0, 0, 4], Err(RtpError::Padding)),
        (&[9, 9, 255], Err(RtpError::Padding)),
    ] {
        let packet = [&fixed(0xA0), payload].concat();
        let header = Header::parse(&packet).expect("valid while it is encrypted");
        assert_eq!(header.payload(&packet), expected, "{payload:?}");
    }
}

#[test]
fn reads_extensions_of_both_forms() {
    type Row<'a> = (&'a str, u16, &'a [u8], &'a [(u8, &'a [u8])]);
    let rows: &[Row<'_>] = &[
        (
            "one byte",
            0xBEDE,
            &[0x10, 0xAA, 0x31, 0xBB, 0xCC, 0, 0, 0],
            &[(1, &[0xAA]), (3, &[0xBB, 0xCC])],
        ),
        (
            "padding between",
            0xBEDE,
            &[0, 0x10, 0xAA, 0, 0, 0x20, 0xBB, 0],
            &[(1, &[0xAA]), (2, &[0xBB])],
        ),
        (
            "id 15 ends",
            0xBEDE,
            &[0x10, 0xAA, 0xF0, 0x20, 0x20, 0xBB, 0, 0],
            &[(1, &[0xAA])],
        ),
        (
            "id 0 with a length ends",
            0xBEDE,
            &[0x10, 0xAA, 0x01, 0, 0, 0x20, 0xBB, 0],
            &[(1, &[0xAA])],
        ),
        (
            "past the block",
            0xBEDE,
            &[0x10, 0xAA, 0x25, 1],
            &[(1, &[0xAA])],
        ),
        (
            "two bytes",
            0x1000,
            &[1, 1, 0xAA, 20, 0, 15, 2, 1],
            &[(1, &[0xAA]), (20, &[])],
        ),
        (
            "two bytes, padded",
            0x100F,
            &[0, 15, 2, 0xBB, 0xCC, 0, 0, 7],
            &[(15, &[0xBB, 0xCC])],
        ),
        ("another profile", 0x1234, &[0x10, 0xAA, 0, 0], &[]),
        ("nothing", 0xBEDE, &[], &[]),
    ];
    for &(name, profile, block, expected) in rows {
        let words = (block.len() / 4) as u16;
        let packet = [
            &fixed(0x90),
            &profile.to_be_bytes()[..],
            &words.to_be_bytes(),
            block,
            b"payload",
        ]
        .concat();
        let header = Header::parse(&packet).expect("valid");
        assert_eq!(
            header.extensions(&packet).collect::<Vec<_>>(),
            expected,
            "{name}"
        );
        assert_eq!(header.payload(&packet), Ok(&b"payload"[..]), "{name}");
    }
}

#[test]
fn reads_audio_levels() {
    assert_eq!(
        audio_level(&[0x80 | 30]),
        Some(AudioLevel {
            voice: true,
            level: 30
        })
    );
    assert_eq!(
        audio_level(&[127, 0]),
        Some(AudioLevel {
            voice: false,
            level: 127
        })
    );
    assert_eq!(audio_level(&[]), None);
}

#[test]
fn the_block_has_the_size_asked_for() {
    let outgoing = |extensions, extension_block| Outgoing {
        marker: false,
        payload_type: 96,
        sequence: 1,
        timestamp: 2,
        ssrc: 3,
        extensions,
        extension_block,
    };
    for (extensions, block, expected) in [
        (&[][..], 0, 12),
        (&[][..], 8, 12 + 4 + 8),
        (&[(1, &b"a"[..])], 0, 12 + 4 + 4),
        (&[(1, b"a")], 6, 12 + 4 + 8),
        (&[(1, b"abc"), (2, b"de")], 4, 12 + 4 + 8), // more than asked for
        (
            &[(0, b"a"), (15, b"a"), (3, b""), (4, b"12345678901234567")],
            0,
            12,
        ), // can't be said
    ] {
        let mut out = vec![0xFF; 5];
        assert_eq!(
            outgoing(extensions, block).write(&mut out),
            expected,
            "{extensions:?} {block}"
        );
        assert_eq!(out.len(), 5 + expected);
    }
}

#[test]
fn all_lengths_of_all_first_bytes() {
    for len in 0..=1_500 {
        for first in 0x80..=0xBF {
            for fill in [0, 1, 0x10, 0xFF] {
                let mut packet = vec![fill; len];
                let head = [first];
                packet
                    .iter_mut()
                    .zip(head)
                    .for_each(|(byte, value)| *byte = value);
                exhaust(&packet);
                if let Some(preamble) = packet.get_mut(12..16) {
                    preamble.copy_from_slice(&[0xBE, 0xDE, 0, (len / 8) as u8]);
                    exhaust(&packet);
                    packet[12..14].copy_from_slice(&[0x10, 0]);
                    exhaust(&packet);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn takes_any_bytes(mut packet in vec(any::<u8>(), 0..1_500)) {
        exhaust(&packet);
        if let Some(first) = packet.first_mut() {
            *first = *first & 0x3F | 0x80;
        }
        exhaust(&packet);
    }

    #[test]
    fn headers_come_back(
        fields in any::<(bool, u8, u16, u32, u32)>(),
        extensions in vec((1..=14_u8, vec(any::<u8>(), 1..=16)), 0..8),
        extension_block in 0..64_usize,
        payload in vec(any::<u8>(), 0..100),
        padding in any::<u8>(),
        before in 0..40_usize,
    ) {
        let (marker, payload_type, sequence, timestamp, ssrc) = fields;
        let extensions: Vec<_> = extensions.iter().map(|(id, value)| (*id, value.as_slice())).collect();
        let outgoing = Outgoing {
            marker, payload_type, sequence, timestamp, ssrc, extensions: &extensions, extension_block,
        };
        let mut buffer = vec![0xFF; before];
        let len = outgoing.write(&mut buffer);
        buffer.extend_from_slice(&payload);
        pad(&mut buffer, before, padding);
        let packet = &buffer[before..];
        let header = Header::parse(packet).expect("valid");
        prop_assert_eq!(header.len, len);
        prop_assert_eq!((header.marker, header.payload_type), (marker, payload_type & 0x7F));
        prop_assert_eq!((header.sequence, header.timestamp, header.ssrc), (sequence, timestamp, ssrc));
        prop_assert_eq!(header.padding, padding > 0);
        prop_assert_eq!(header.extensions(packet).collect::<Vec<_>>(), extensions);
        prop_assert_eq!(header.payload(packet), Ok(payload.as_slice()));
        prop_assert_eq!(packet.len(), len + payload.len() + usize::from(padding));
    }
}
