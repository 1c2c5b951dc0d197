//! A peer's way to us changes between UDP and TCP, and a connection is closed.

use super::bed::*;
use crate::command::PeerId;
use crate::event::Event;
use crate::tuple::{Protocol, Tuple};

/// The same addresses, by TCP.
fn by_tcp(id: u32) -> Tuple {
    Tuple {
        protocol: Protocol::Tcp,
        ..tuple(10_000 + id as u16)
    }
}

/// By what the next packet to viewer 1 leaves.
fn leaves_by(bed: &mut Bed, index: u64) -> Option<Protocol> {
    bed.send(2, &packet(220, index, key(1)));
    let mut by = None;
    bed.engine
        .drain_transmits(|tuple, _| by = by.or(Some(tuple.protocol)));
    by
}

#[test]
fn udp_and_tcp_of_the_same_addresses_are_validated_apart() {
    let mut bed = pair();
    bed.clients.get_mut(&2).expect("a client").tuple = by_tcp(2);
    bed.send(2, &packet(220, 5, key(1)));
    assert_eq!(bed.engine.counters.dropped_unvalidated, 1);
    bed.check(2, false);
    bed.send(2, &packet(220, 5, key(1)));
    assert_eq!(bed.engine.counters.rtp_forwarded, 1);
}

#[test]
fn media_follows_the_nomination_from_udp_to_tcp_and_back() {
    let mut bed = pair();
    bed.check(1, true);
    bed.drain();
    assert_eq!(leaves_by(&mut bed, 5), Some(Protocol::Udp));
    bed.check_from(1, by_tcp(1), true);
    bed.drain();
    assert_eq!(leaves_by(&mut bed, 6), Some(Protocol::Tcp));
    bed.check(1, true);
    bed.drain();
    assert_eq!(leaves_by(&mut bed, 7), Some(Protocol::Udp));
    let moved = Event::PathChanged { peer: PeerId(1) };
    // Told once, as the node has not taken it.
    assert!(bed.engine.drain_events().contains(&moved));
}

#[test]
fn a_closed_connection_is_left_for_udp_and_its_addresses_prove_nothing_any_more() {
    let mut bed = pair();
    bed.check_from(1, by_tcp(1), true);
    bed.engine.drain_events();
    bed.engine.events_taken();
    bed.engine.close_tuple(bed.now, by_tcp(1));
    bed.drain();
    assert_eq!(leaves_by(&mut bed, 5), Some(Protocol::Udp));
    assert_eq!(
        bed.engine.drain_events().first(),
        Some(&Event::PathChanged { peer: PeerId(1) })
    );
    assert!(!bed.engine.knows(by_tcp(1)) && bed.engine.knows(tuple(10_001)));
    bed.engine.close_tuple(bed.now, by_tcp(7)); // nobody's
}
