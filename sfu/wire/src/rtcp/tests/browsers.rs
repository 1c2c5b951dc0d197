//! What browsers sent, whole and damaged.

use super::*;
use crate::captured::{RTCP, damaged, datagrams};
use proptest::prelude::*;

#[test]
fn all_that_browsers_sent_is_read() {
    let mut kinds = [0; 6];
    for compound in datagrams(RTCP) {
        for packet in packets(&compound) {
            let kind = match packet.expect("valid") {
                Packet::SenderReport(_) => 0,
                Packet::ReceiverReport(_) => 1,
                Packet::SourceDescription(_) => 2,
                Packet::Nack(_) => 3,
                Packet::TransportFeedback(_) => 4,
                Packet::PictureLoss(_) => 5,
                _ => panic!("none of these was captured: {compound:02x?}"),
            };
            kinds[kind] += 1;
        }
    }
    assert!(kinds.iter().all(|&count| count > 1), "{kinds:?}");
}

#[test]
fn one_damage_anywhere_is_survived() {
    for compound in datagrams(RTCP) {
        for bytes in damaged(&compound) {
            assert!(exhaust(&bytes) <= 65_536 + 17 * bytes.len());
        }
    }
}

proptest! {
    #[test]
    fn takes_mixed_and_mutated_captures(
        parts in proptest::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 1..5),
        mutations in proptest::collection::vec(any::<(prop::sample::Index, u8)>(), 0..8),
    ) {
        let captured = datagrams(RTCP);
        let mut bytes = Vec::new();
        for (which, end) in parts {
            let part = which.get(&captured);
            bytes.extend_from_slice(&part[..=end.index(part.len())]);
        }
        for (index, value) in mutations {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        prop_assert!(exhaust(&bytes) <= 5 * 65_536 + 17 * bytes.len());
    }
}
