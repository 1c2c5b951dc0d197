//! What a viewer's feedback tells as lost is sent again, also when its own request never comes.

use std::time::Duration;

use super::bed::*;
use crate::rtcp::transport_feedback::Builder;

/// Six packets of video, which leave under the transport-wide numbers 0 to 5, and their sequence numbers.
fn six() -> (Bed, Vec<u16>) {
    let mut bed = pair();
    bed.send(2, &packet(220, 100, key(100)));
    for index in 101..106 {
        bed.send(2, &packet(220, index, delta(index)));
    }
    let got = bed.drain();
    assert_eq!(marks(&got), [100, 101, 102, 103, 104, 105]);
    let numbers = got.iter().map(|got| got.header.sequence).collect();
    (bed, numbers)
}

/// Tells that of so many packets from `base` on only the last arrived; gives what comes for it.
fn lost(bed: &mut Bed, base: u16, count: u16) -> Vec<u64> {
    let mut plain = Vec::new();
    let mut builder = Builder::new();
    builder.start(base, 0, 1_000);
    assert!(builder.push(count, 1));
    builder.write(1, 900, 0, &mut plain);
    bed.send_rtcp(1, plain);
    let got = bed.drain();
    assert!(got.iter().all(|got| got.header.ssrc == 901), "a repair");
    marks(&got)
}

#[test]
fn lost_packets_come_again_once() {
    let (mut bed, _) = six();
    assert_eq!(lost(&mut bed, 1, 2), [101, 102]);
    assert_eq!(lost(&mut bed, 1, 2), [], "said twice");
}

#[test]
fn what_is_on_its_way_already_is_not_sent_twice_and_a_lost_repair_is() {
    let (mut bed, numbers) = six();
    bed.pass(Duration::from_millis(30));
    bed.nack(1, 900, &numbers[1..2]);
    assert_eq!(marks(&bed.drain()), [101]);
    bed.pass(Duration::from_millis(60));
    assert_eq!(lost(&mut bed, 1, 1), []);
    // The repair went as number 6.
    assert_eq!(lost(&mut bed, 6, 1), [101, 101]);
}

#[test]
fn nothing_comes_again_through_a_closed_gate_nor_after_it() {
    for owner in [1, 2] {
        let (mut bed, _) = six();
        bed.gate(owner, false);
        assert_eq!(lost(&mut bed, 1, 1), []);
        bed.gate(owner, true);
        assert_eq!(lost(&mut bed, 2, 2), []);
    }
}
