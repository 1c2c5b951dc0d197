//! What a peer can make the engine hold or do.

use std::time::Duration;

use super::bed::*;
use crate::event::Event;

#[test]
fn a_flood_of_dtls_waits_for_the_node_up_to_a_bound() {
    let mut bed = pair();
    bed.events();
    for _ in 0..3 {
        for _ in 0..1_000 {
            bed.raw(2, vec![22; 100]);
            // Handed over, yet not taken.
            if bed.engine.events.len() > 10 {
                bed.engine.drain_events();
            }
        }
        let taken = bed.engine.counters.dropped_dtls;
        bed.raw(1, vec![22; 100]);
        assert_eq!(bed.engine.counters.dropped_dtls, taken, "another's");
        bed.events();
    }
    assert_eq!(bed.engine.counters.dropped_dtls, 3 * (1_000 - 64));
}

#[test]
fn changes_of_path_are_told_once_until_heard() {
    let mut bed = pair();
    bed.events();
    let home = bed.clients[&1].tuple;
    for round in 0..2 {
        for n in 0..1_000 {
            bed.check_from(1, if n % 2 == 0 { tuple(50_000) } else { home }, true);
        }
        let events = bed.events();
        let changes = events
            .iter()
            .filter(|event| matches!(event, Event::PathChanged { .. }))
            .count();
        assert_eq!(changes, 1, "{round}");
    }
}

#[test]
fn a_viewer_that_asks_without_end_gets_each_packet_a_few_times() {
    let mut bed = pair();
    for n in 0..50 {
        bed.send(2, &packet(220, 1 + n, key(n)));
    }
    let numbers: Vec<u16> = bed.drain().iter().map(|got| got.header.sequence).collect();
    let mut sent = 0;
    for _ in 0..400 {
        bed.nack(1, 900, &numbers);
        bed.pass(Duration::from_millis(2));
        sent += bed.drain().len();
    }
    assert!(sent <= 50 * 10, "{sent}");
}

#[test]
fn a_publishers_flood_in_one_turn_is_cut() {
    let mut bed = pair();
    for n in 0..3_000 {
        let payload = [key(n), vec![0; 1_100], tail(n)].concat();
        bed.send(2, &packet(220, 1 + n, payload));
    }
    let waiting = bed.engine.peers[&crate::command::PeerId(1)]
        .sending
        .outbox
        .bytes
        .len();
    assert!(waiting < (1 << 20) + 2_000, "{waiting}");
    let got = bed.drain();
    assert!(got.len() > 800 && got.len() < 1_000);
    assert!(bed.engine.history_bytes() <= 512 * 1024);
    // Payloads of a source that falls silent go with time.
    bed.pass(Duration::from_secs(3));
    assert_eq!(bed.engine.history_bytes(), 0);
}

#[test]
fn timers_do_not_pile_up() {
    let mut bed = pair();
    let mut index = 0;
    for n in 0..20_000_u64 {
        index += 1 + n % 2;
        let mut packet = packet(220, index, key(n));
        packet.extensions = vec![(3, (n as u16).to_be_bytes().to_vec())];
        bed.send(2, &packet);
        bed.pass(Duration::from_millis(1));
        if n % 1_000 == 0 {
            bed.check(1, false);
            bed.check(2, false);
        }
        bed.drain();
        assert!(
            bed.engine.timers.len() < 500,
            "{n} {}",
            bed.engine.timers.len()
        );
    }
}

#[test]
fn nothing_is_answered_or_learnt_at_port_zero() {
    let mut bed = pair();
    bed.drain();
    let mut odd = bed.clients[&1].tuple;
    odd.remote.set_port(0);
    bed.check_from(1, odd, true);
    let mut sent = 0;
    bed.engine.drain_transmits(|_, _| sent += 1);
    assert_eq!(sent, 0);
    bed.send(2, &packet(220, 1, key(1)));
    assert_eq!(marks(&bed.drain()), [1]);
}

#[test]
fn a_tuple_that_another_peer_used_comes_back_with_the_next_check() {
    let mut bed = pair();
    let home = bed.clients[&2].tuple;
    bed.check_from(1, home, false);
    bed.send(2, &packet(220, 1, key(1)));
    assert_eq!(bed.engine.counters.dropped_auth, 1);
    bed.check(2, false);
    bed.send(2, &packet(220, 2, key(2)));
    assert_eq!(marks(&bed.drain()), [2]);
    bed.apply(crate::command::Command::ClosePeer {
        peer: crate::command::PeerId(1),
    });
    bed.send(2, &packet(220, 3, key(3)));
    assert_eq!(bed.engine.counters.dropped_unvalidated, 0);
}
