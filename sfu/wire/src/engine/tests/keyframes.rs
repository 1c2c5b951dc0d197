//! Keyframe requests: as few as serve everybody, and never too few.

use std::time::Duration;

use super::bed::*;
use crate::command::Kind;

#[test]
fn a_request_that_is_lost_is_repeated_even_when_the_source_stands_still() {
    let mut bed = pair();
    bed.send(2, &packet(220, 1, key(1)));
    bed.gate(1, false);
    bed.pass(Duration::from_secs(1));
    bed.drain();
    bed.keyframe_requests(2);
    bed.gate(1, true);
    bed.drain();
    assert_eq!(bed.keyframe_requests(2), 1); // lost, say
    bed.pass(Duration::from_secs(5));
    bed.drain();
    assert!((4..=6).contains(&bed.keyframe_requests(2)));
    bed.send(2, &packet(220, 2, key(2)));
    bed.pass(Duration::from_secs(5));
    bed.drain();
    assert_eq!(bed.keyframe_requests(2), 0);
}

#[test]
fn nobody_asks_for_a_viewer_who_is_gone_or_lacks_the_codec() {
    let mut bed = pair();
    let mut other = slot(0, Kind::Video, 900);
    other.formats[0].format = "H264/1/42e01f".to_owned();
    bed.sections(1, vec![], vec![other]);
    bed.routes(&[(22, 1, 0)]);
    bed.keyframe_requests(2);
    for n in 0..100 {
        bed.send(2, &packet(220, 1 + n, delta(n)));
        bed.pass(Duration::from_millis(50));
        bed.check(1, false);
        bed.check(2, false);
    }
    bed.drain();
    assert!(bed.keyframe_requests(2) <= 1);
    assert_eq!(bed.engine.counters.dropped_codec, 100);

    // Consent of the viewer runs out while it waits.
    let mut bed = pair();
    bed.send(2, &packet(220, 1, delta(1)));
    for _ in 0..32 {
        bed.pass(Duration::from_secs(1));
        bed.check(2, false);
    }
    bed.drain();
    bed.keyframe_requests(2);
    for n in 0..100 {
        bed.send(2, &packet(220, 2 + n, delta(n)));
        bed.pass(Duration::from_millis(50));
        bed.check(2, false);
    }
    bed.drain();
    assert_eq!(bed.keyframe_requests(2), 0);
}

#[test]
fn a_storm_makes_two_requests_a_second() {
    let mut bed = pair();
    bed.send(2, &packet(220, 1, key(1)));
    bed.pass(Duration::from_secs(1));
    bed.drain();
    bed.keyframe_requests(2);
    for n in 0..1_000 {
        bed.pli(1, 900);
        bed.pass(Duration::from_millis(5));
        if n % 10 == 0 {
            bed.send(2, &packet(220, 2 + n, delta(n)));
        }
        bed.drain();
    }
    let requests = bed.keyframe_requests(2);
    assert!((9..=11).contains(&requests), "{requests}");
}

#[test]
fn a_viewer_whose_consent_comes_back_starts_at_a_keyframe() {
    let mut bed = pair();
    bed.send(2, &packet(220, 1, key(1)));
    bed.drain();
    for n in 0..40 {
        bed.pass(Duration::from_secs(1));
        bed.check(2, false);
        for k in 0..30 {
            bed.send(2, &packet(220, 2 + 30 * n + k, delta(0)));
        }
        bed.drain();
    }
    bed.keyframe_requests(2);
    bed.check(1, false);
    bed.send(2, &packet(220, 2_000, delta(8)));
    assert_eq!(marks(&bed.drain()), []);
    assert_eq!(bed.keyframe_requests(2), 1);
    bed.send(2, &packet(220, 2_001, key(9)));
    assert_eq!(marks(&bed.drain()), [9]);
}

#[test]
fn after_an_outage_a_keyframe_is_asked_for_at_once_and_not_what_was_lost() {
    let mut bed = pair();
    bed.send(2, &packet(220, 1, key(1)));
    bed.pass(Duration::from_secs(1));
    bed.drain();
    bed.keyframe_requests(2);
    let before = bed.engine.counters.nacks_sent;
    bed.send(2, &packet(220, 60, delta(60)));
    bed.drain();
    assert_eq!(bed.keyframe_requests(2), 1);
    bed.pass(Duration::from_millis(200));
    bed.drain();
    assert_eq!(bed.engine.counters.nacks_sent, before);
    // Shorter, or less: what is missing can be had.
    for (after, sequence) in [(900, 100), (1_100, 105)] {
        bed.send(2, &packet(220, sequence - 30, key(2)));
        bed.send(2, &packet(220, sequence - 5, key(2)));
        bed.drain();
        let before = bed.engine.counters.nacks_sent;
        bed.pass(Duration::from_millis(after));
        bed.send(2, &packet(220, sequence, delta(9)));
        bed.pass(Duration::from_millis(30));
        bed.drain();
        assert!(bed.engine.counters.nacks_sent > before);
    }
}
