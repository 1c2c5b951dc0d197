//! Messages that lie, and anything else that is no message.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn counts_beyond_the_data_are_errors() {
    for words in 2..8 {
        let body = vec![0; words * 4];
        for count in 1..32 {
            let reads = |needed: usize| {
                if needed <= body.len() {
                    None
                } else {
                    Some(RtcpError::TooShort)
                }
            };
            let blocks = usize::from(count) * 24;
            assert_eq!(
                error(&message(count, 200, &body)),
                reads(24 + blocks),
                "SR {words} {count}"
            );
            assert_eq!(
                error(&message(count, 201, &body)),
                reads(4 + blocks),
                "RR {words} {count}"
            );
            assert_eq!(
                error(&message(count, 203, &body)),
                reads(usize::from(count) * 4),
                "BYE {words} {count}"
            );
            assert_eq!(
                error(&message(count, 202, &body)),
                reads(usize::from(count) * 8),
                "SDES {words} {count}"
            );
        }
    }
    let mut remb = Vec::new();
    remb::write(&mut remb, 1, 1_000, &[1, 2, 3]);
    for count in 0..=255 {
        remb[16] = count;
        let expected = if count <= 3 {
            None
        } else {
            Some(RtcpError::TooShort)
        };
        assert_eq!(error(&remb), expected, "{count}");
    }
    remb[16] = 3;
    remb[17] = 63 << 2 | 3;
    assert_eq!(
        error(&remb),
        Some(RtcpError::Malformed),
        "more than 64 bits of bitrate"
    );
}

#[test]
fn headers_that_lie() {
    for (bytes, expected) in [
        (&[0x80, 201, 0][..], RtcpError::TooShort),
        (&[0x80, 201, 0, 1], RtcpError::TooShort),
        (&[0x80, 201, 0xFF, 0xFF, 0, 0, 0, 0], RtcpError::TooShort),
        (&[0x40, 201, 0, 1, 0, 0, 0, 1], RtcpError::Version),
        (&[0xA0, 201, 0, 1, 0, 0, 0, 0], RtcpError::Padding),
        (&[0xA0, 201, 0, 1, 0, 0, 0, 5], RtcpError::Padding),
        (&[0xA0, 201, 0, 0], RtcpError::Padding),
        (&[0xA0, 201, 0, 1, 0, 0, 0, 4], RtcpError::TooShort), // the sender's SSRC is padding
        (
            &[0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2],
            RtcpError::TooShort,
        ), // a NACK of nothing
        (
            &[0x84, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2],
            RtcpError::TooShort,
        ), // a FIR of nothing
        (
            &[0x81, 202, 0, 2, 0, 0, 0, 1, 1, 3, 0, 0],
            RtcpError::TooShort,
        ), // an item too long
        (
            &[0x81, 202, 0, 2, 0, 0, 0, 1, 1, 2, 0, 0],
            RtcpError::TooShort,
        ), // an item without end
    ] {
        assert_eq!(error(bytes), Some(expected), "{bytes:02x?}");
    }
    assert_eq!(packets(&[]).count(), 0);
}

#[test]
fn what_we_have_no_use_for_is_skipped() {
    for (count, kind) in [
        (0, 192),
        (0, 195),
        (0, 204),
        (3, 205),
        (2, 206),
        (15, 206),
        (0, 207),
        (0, 255),
    ] {
        let mut bytes = message(count, kind, b"SSRCSSRCNAMEdata");
        assert!(matches!(only(&bytes), Packet::Other), "{count} {kind}");
        picture_loss::write(&mut bytes, 1, 2);
        assert!(
            matches!(packets(&bytes).nth(1), Some(Ok(Packet::PictureLoss(_)))),
            "{count} {kind}"
        );
    }
}

#[test]
fn all_kinds_at_all_lengths() {
    for len in 0..=1_500_usize {
        // Once with the length that the header should have, once cut anywhere.
        let words = (len / 4).saturating_sub(1) as u16;
        let [l0, l1] = words.to_be_bytes();
        for kind in 199..=207 {
            for count in [0, 1, 2, 4, 15, 31] {
                for fill in [0, 1, 0x55, 0xC3, 0xFF] {
                    let mut bytes = vec![fill; len];
                    let head = [0x80 | fill & 0x20 | count, kind, l0, l1];
                    bytes
                        .iter_mut()
                        .zip(head)
                        .for_each(|(byte, value)| *byte = value);
                    assert!(exhaust(&bytes) <= 65_536 + 17 * len);
                }
            }
        }
    }
}

#[test]
fn short_messages_of_all_kinds_and_all_bytes() {
    for len in 20..28_usize {
        for kind in 200..=207 {
            for count in 0..32 {
                for fill in 0..=255 {
                    for words in [len / 4 - 1, len / 4] {
                        let mut bytes = vec![fill; len];
                        bytes[..4].copy_from_slice(&[0x80 | count, kind, 0, words as u8]);
                        exhaust(&bytes);
                        bytes[0] |= 0x20;
                        exhaust(&bytes);
                    }
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn takes_any_bytes(bytes in vec(any::<u8>(), 0..1_500)) {
        exhaust(&bytes);
    }

    #[test]
    fn takes_any_body(
        kind in 200..=207_u8,
        count in prop_oneof![any::<u8>(), Just(1), Just(4), Just(15)],
        mut body in vec(any::<u8>(), 0..1_400),
    ) {
        body.truncate(body.len() / 4 * 4);
        let mut bytes = message(count & 0x1F, kind, &body);
        exhaust(&bytes);
        bytes[0] |= 0x20;
        exhaust(&bytes);
    }

    #[test]
    fn takes_mutated_messages(mutations in vec(any::<(prop::sample::Index, u8)>(), 1..12), end in any::<prop::sample::Index>()) {
        let mut bytes = all_messages();
        for (index, value) in mutations {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        exhaust(&bytes);
        bytes.truncate(end.index(bytes.len()));
        exhaust(&bytes);
    }
}
