//! Datagrams are counted by what they are, and nothing that was taken back counts as sent.

use super::bed::*;
use crate::command::{Command, PeerId};
use crate::counters::Counters;

/// Datagrams that came and that went: STUN, DTLS, RTCP, audio, video, repair.
fn contents(counters: &Counters) -> [(u64, u64); 6] {
    [
        (counters.stun_received, counters.stun_sent),
        (counters.dtls_received, counters.dtls_sent),
        (counters.rtcp_received, counters.rtcp_sent),
        (counters.audio_received, counters.audio_sent),
        (counters.video_received, counters.video_sent),
        (counters.repair_received, counters.repair_sent),
    ]
}

#[test]
fn each_datagram_counts_as_what_it_is() {
    let mut bed = pair();
    bed.drain();
    let before = contents(&bed.engine.counters);
    let [stun, dtls, rtcp, audio, video, repair] = [0, 1, 2, 3, 4, 5];
    let mut expected = before;
    let mut expect = |kind: usize, received: u64, sent: u64| {
        expected[kind].0 += received;
        expected[kind].1 += sent;
    };
    bed.check(1, false);
    expect(stun, 1, 1);
    bed.raw(1, vec![22; 40]);
    bed.apply(Command::SendDtls {
        peer: PeerId(1),
        datagrams: vec![vec![22; 40], vec![22; 50]],
    });
    expect(dtls, 1, 2);
    bed.send(2, &sound(210, 1, tail(1)));
    expect(audio, 1, 1);
    bed.send(2, &packet(220, 1, key(2)));
    bed.send(2, &packet(220, 2, delta(3)));
    expect(video, 2, 2);
    let got = bed.drain();
    let shown = bed.engine.counters.keyframe_requests_sent;
    let picture = got.iter().find(|got| got.header.ssrc == 900);
    bed.nack(1, 900, &[picture.expect("a picture").header.sequence]);
    expect(rtcp, 1, 0);
    expect(repair, 0, 1);
    bed.send(2, &rtx(1, &packet(220, 3, delta(4))));
    expect(repair, 1, 0);
    expect(video, 0, 1);
    bed.drain();
    expect(rtcp, 0, bed.engine.counters.keyframe_requests_sent - shown);
    bed.send(2, &packet(999, 1, key(5)));
    assert_eq!(contents(&bed.engine.counters), expected);
}

#[test]
fn what_is_taken_back_was_not_sent() {
    let mut bed = pair();
    bed.drain();
    let before = bed.engine.counters;
    bed.send(2, &packet(220, 1, key(1)));
    bed.gate(1, false);
    bed.drain();
    let counters = &bed.engine.counters;
    assert_eq!(counters.rtp_withdrawn, 1);
    assert_eq!(
        (counters.video_sent, counters.video_bytes_sent),
        (before.video_sent, before.video_bytes_sent)
    );
    assert!(counters.video_bytes_received > before.video_bytes_received);
}
