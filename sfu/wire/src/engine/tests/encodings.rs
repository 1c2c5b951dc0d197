//! Which encoding is whose, and which one is shown, while they start, stop and move.

use std::time::Duration;

use super::bed::*;
use crate::command::Kind;

/// A publisher with two encodings, `q` under SSRC 500 and `h` under 600.
fn simulcast_pair() -> Bed {
    let mut bed = pair();
    bed.sections(2, vec![simulcast(24, &["q", "h"])], vec![]);
    bed.routes(&[(24, 1, 0)]);
    bed.drain();
    bed
}

fn frames(bed: &mut Bed, ssrcs: &[u32], from: u64, count: u64, keyframe: bool) -> Vec<u64> {
    let mut seen = Vec::new();
    for n in from..from + count {
        for &ssrc in ssrcs {
            let mark = u64::from(ssrc) * 10_000 + n;
            let payload = if keyframe { key(mark) } else { delta(mark) };
            let rid = if ssrc == 500 { "q" } else { "h" };
            bed.send(2, &named(packet(ssrc, n, payload), "24", rid));
        }
        bed.pass(Duration::from_millis(33));
        bed.check(1, false);
        bed.check(2, false);
        seen.extend(marks(&bed.drain()));
    }
    seen
}

#[test]
fn viewers_leave_an_encoding_that_stopped_and_keep_one_that_is_only_quiet() {
    let mut bed = simulcast_pair();
    let seen = frames(&mut bed, &[500, 600], 1, 3, true);
    assert_eq!(seen, [5_000_001, 5_000_002, 5_000_003]);
    // A pause of all, and one of 250 ms of the one shown, change nothing.
    bed.pass(Duration::from_secs(5));
    assert_eq!(frames(&mut bed, &[600], 4, 8, false), []);
    assert_eq!(frames(&mut bed, &[500], 4, 1, false), [5_000_004]);
    // It stops: after two seconds the viewer waits for a keyframe of the other.
    assert_eq!(frames(&mut bed, &[600], 12, 61, false), []);
    bed.keyframe_requests(2);
    assert_eq!(frames(&mut bed, &[600], 73, 5, false), []);
    assert!(bed.keyframe_requests(2) <= 1);
    assert_eq!(frames(&mut bed, &[600], 78, 1, true), [6_000_078]);
    // That the first is back does not move those who watch the second.
    assert_eq!(frames(&mut bed, &[500, 600], 79, 1, true), [6_000_079]);
}

#[test]
fn ssrcs_that_packets_named_follow_their_encoding_through_offers() {
    let mut bed = simulcast_pair();
    frames(&mut bed, &[500, 600], 1, 2, true);
    // The offer turns the order round; packets carry no names any more.
    bed.sections(2, vec![simulcast(24, &["h", "q"])], vec![]);
    bed.send(2, &packet(600, 3, key(1)));
    bed.send(2, &packet(500, 3, key(2)));
    assert_eq!(marks(&bed.drain()), [1]);
    // The section moves to another mid, and the browser to another SSRC.
    let mut moved = simulcast(24, &["h", "q"]);
    moved.mid = "7".to_owned();
    bed.sections(2, vec![moved], vec![]);
    bed.send(2, &packet(600, 4, delta(3)));
    bed.send(2, &named(packet(800, 9, key(4)), "7", "h"));
    bed.send(2, &packet(800, 10, delta(5)));
    bed.send(2, &packet(600, 5, delta(6)));
    assert_eq!(marks(&bed.drain()), [3, 4, 5]);
}

#[test]
fn retransmissions_of_a_source_that_was_replaced_mean_nothing() {
    let mut bed = simulcast_pair();
    let first = named(packet(500, 60_000, key(1)), "24", "q");
    bed.send(2, &first);
    let mut repair = rtx(1, &packet(500, 59_000, key(2)));
    repair.extensions = vec![(4, b"24".to_vec()), (6, b"q".to_vec())];
    bed.send(2, &repair);
    bed.send(2, &named(packet(700, 10, key(3)), "24", "q"));
    // Taken for packet 60,001 of the new source it would throw its numbers.
    bed.send(2, &rtx(2, &packet(500, 60_001, key(4))));
    bed.send(2, &packet(700, 11, delta(5)));
    let got = bed.drain();
    assert_eq!(marks(&got), [1, 3, 5]);
    assert_eq!(bed.engine.counters.dropped_unknown_stream, 1);
}

#[test]
fn an_offer_that_changes_one_viewers_section_leaves_the_picture_of_all() {
    let mut bed = pair();
    bed.join(3);
    bed.sections(3, vec![], vec![slot(0, Kind::Video, 970)]);
    bed.gate(3, true);
    bed.routes(&[(22, 1, 0), (21, 1, 1), (22, 3, 0)]);
    bed.send(2, &packet(220, 1, key(1)));
    assert_eq!(bed.drain().len(), 2);
    let mut changed = slot(0, Kind::Video, 970);
    changed.formats[0].payload_type = 100;
    bed.sections(3, vec![], vec![changed]);
    // And one of the publisher's that changes anything but its encodings.
    let mut section = video(22, 220);
    section.formats[0].payload_type = 120;
    bed.sections(2, vec![section, audio(21, 210)], vec![]);
    let mut next = packet(220, 2, delta(2));
    next.payload_type = 120;
    bed.send(2, &next);
    let got = bed.drain();
    let types: Vec<(u32, u8)> = got
        .iter()
        .map(|got| (got.viewer, got.header.payload_type))
        .collect();
    assert_eq!(types, [(1, VIDEO), (3, 100)]);
}

#[test]
fn an_ssrc_that_the_offer_no_longer_names_is_nobodys() {
    let mut bed = pair();
    bed.send(2, &packet(220, 1, key(1)));
    bed.sections(2, vec![video(22, 230), audio(21, 210)], vec![]);
    bed.send(2, &packet(220, 2, key(2)));
    bed.send(2, &packet(230, 40_000, key(3)));
    bed.send(2, &rtx(1, &packet(220, 3, key(4))));
    bed.send(2, &packet(230, 40_001, delta(5)));
    assert_eq!(marks(&bed.drain()), [1, 3, 5]);
    assert_eq!(bed.engine.counters.dropped_unknown_stream, 2);
}

#[test]
fn nobody_can_use_anothers_ssrc_or_mid() {
    let mut bed = pair();
    bed.join(3);
    bed.sections(3, vec![video(32, 320)], vec![]);
    bed.gate(3, true);
    bed.send(2, &packet(220, 1, key(1)));
    bed.send(3, &packet(220, 2, key(2)));
    bed.send(3, &named(packet(221, 3, key(3)), "22", "q"));
    bed.sections(3, vec![video(22, 220)], vec![]);
    bed.send(3, &packet(220, 4, key(4)));
    bed.send(2, &packet(220, 2, delta(5)));
    assert_eq!(marks(&bed.drain()), [1, 5]);
}
