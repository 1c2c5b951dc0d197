//! Nothing passes a closed way: not what was queued, not what came before, not by retransmission.

use super::bed::*;

#[test]
fn what_is_queued_when_a_way_closes_is_not_sent() {
    type Close = fn(&mut Bed);
    let closings: [Close; 7] = [
        |bed| bed.gate(1, false),
        |bed| bed.gate(2, false),
        |bed| {
            bed.mute(22, true);
            bed.mute(21, true);
        },
        |bed| bed.routes(&[]),
        |bed| bed.sections(2, vec![], vec![]),
        |bed| bed.sections(1, vec![], vec![]),
        |bed| {
            bed.apply(crate::command::Command::ClosePeer {
                peer: crate::command::PeerId(2),
            });
        },
    ];
    for (case, close) in closings.into_iter().enumerate() {
        let mut bed = pair();
        bed.apply(crate::command::Command::SendDtls {
            peer: crate::command::PeerId(1),
            datagrams: vec![vec![22; 40]],
        });
        bed.send(2, &packet(220, 5, key(1)));
        bed.send(2, &sound(210, 5, tail(2)));
        bed.nack(1, 900, &[0]);
        close(&mut bed);
        let mut dtls = 0;
        bed.engine.drain_transmits(|_, run| {
            for datagram in run.contents.chunks(run.segment) {
                assert_ne!(
                    crate::demux::classify(datagram),
                    crate::demux::Kind::Rtp,
                    "{case}"
                );
                dtls += usize::from(datagram == [22; 40]);
            }
        });
        assert_eq!((dtls, bed.engine.counters.rtp_withdrawn), (1, 2), "{case}");
        assert_eq!(bed.engine.counters.rtp_forwarded, 2, "{case}");
    }
}

#[test]
fn muting_one_track_leaves_the_other() {
    let mut bed = pair();
    bed.send(2, &packet(220, 5, key(1)));
    bed.send(2, &sound(210, 5, tail(2)));
    bed.mute(22, true);
    assert_eq!(marks(&bed.drain()), [2]);
}

#[test]
fn nothing_older_than_the_opening_comes_by_any_road() {
    let mut bed = pair();
    bed.send(2, &packet(220, 5, key(1)));
    bed.send(2, &packet(220, 6, delta(2)));
    let sent = bed.drain();
    bed.gate(1, false);
    bed.send(2, &packet(220, 7, key(3)));
    bed.gate(1, true);
    // Asked for again; late by another road; the reordered start of a frame before the opening.
    let numbers: Vec<u16> = sent.iter().map(|got| got.header.sequence).collect();
    bed.nack(1, 900, &numbers);
    bed.nack(1, 900, &[numbers[1].wrapping_add(1)]);
    bed.send(2, &rtx(1, &packet(220, 7, key(3))));
    bed.send(2, &packet(220, 4, key(4)));
    bed.send(2, &packet(220, 8, delta(5)));
    assert_eq!(marks(&bed.drain()), []);
    bed.send(2, &packet(220, 9, key(6)));
    bed.send(2, &packet(220, 10, delta(7)));
    assert_eq!(marks(&bed.drain()), [6, 7]);
    bed.nack(1, 900, &numbers);
    assert_eq!(marks(&bed.drain()), []);
}

#[test]
fn what_comes_while_closed_enters_no_cache() {
    let mut bed = pair();
    for close in [
        |bed: &mut Bed| bed.gate(2, false),
        |bed: &mut Bed| bed.mute(22, true),
    ] {
        bed.gate(2, true);
        bed.send(2, &packet(220, 1, key(1)));
        assert!(bed.engine.history_bytes() > 0);
        close(&mut bed);
        assert_eq!(bed.engine.history_bytes(), 0);
        bed.send(2, &packet(220, 2, key(2)));
        assert_eq!(bed.engine.history_bytes(), 0);
        bed.join(2);
        bed.sections(2, vec![video(22, 220), audio(21, 210)], vec![]);
        bed.routes(&[(22, 1, 0)]);
    }
}

#[test]
fn what_came_before_an_opening_is_not_asked_of_the_publisher() {
    let mut bed = pair();
    bed.gate(2, false);
    bed.send(2, &packet(220, 100, key(1)));
    bed.gate(2, true);
    bed.send(2, &packet(220, 50, delta(2)));
    bed.pass(std::time::Duration::from_millis(200));
    assert_eq!(bed.engine.counters.nacks_sent, 0);
    bed.send(2, &packet(220, 103, delta(3)));
    bed.pass(std::time::Duration::from_millis(15));
    assert_eq!(bed.engine.counters.nacks_sent, 4, "both twice");
}

#[test]
fn a_table_that_names_a_slot_twice_means_the_same_every_time() {
    let mut bed = pair();
    bed.join(3);
    bed.sections(3, vec![video(32, 320)], vec![]);
    for _ in 0..3 {
        bed.routes(&[(22, 1, 0), (32, 1, 0)]);
        assert_eq!(bed.engine.routes(), [route((32, 1, 0))]);
    }
    bed.routes(&[(22, 1, 0)]);
    assert_eq!(bed.engine.routes(), [route((22, 1, 0))]);
    assert_eq!(bed.engine.open_routes(), [route((22, 1, 0))]);
    bed.routes(&[(22, 1, 1), (21, 1, 0), (22, 2, 0), (99, 1, 0), (22, 1, 77)]);
    assert_eq!(bed.engine.routes(), []);
}
