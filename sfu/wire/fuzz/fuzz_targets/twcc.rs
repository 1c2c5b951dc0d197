//! The recorder of arrivals: any order of any numbers at any times, read back by our own parser.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use venterom_wire::rtcp::{Packet, packets};
use venterom_wire::time::Time;
use venterom_wire::twcc::Recorder;

fn told(recorder: &mut Recorder) -> Vec<(u16, Option<i64>)> {
    let mut out = Vec::new();
    recorder.write(1, 2, &mut out);
    assert!(out.len() <= 1_000);
    let mut told = Vec::new();
    for packet in packets(&out) {
        let Ok(Packet::TransportFeedback(feedback)) = packet else {
            panic!("what we write is valid");
        };
        told.extend(feedback.packets());
    }
    told
}

fuzz_target!(|data: &[u8]| {
    let mut recorder = Recorder::new();
    let mut now = 0_u64;
    let mut sequence = 0_u16;
    let mut arrived = HashSet::new();
    // Each arrival: how the number goes on, how the time does, whether feedback is due.
    for step in data.chunks_exact(4) {
        let [s0, s1, wait, flags] = [step[0], step[1], step[2], step[3]];
        sequence = match flags & 3 {
            0 => sequence.wrapping_add(1),
            1 => sequence.wrapping_add(u16::from(s0)),
            2 => sequence.wrapping_sub(u16::from(s0)),
            _ => u16::from_be_bytes([s0, s1]),
        };
        now += u64::from(wait) << (flags >> 3);
        recorder.record(sequence, Time::from_micros(now));
        arrived.insert(sequence);
        if flags & 4 == 0 {
            continue;
        }
        for (sequence, arrival) in told(&mut recorder) {
            assert!(arrival.is_none() || arrived.contains(&sequence));
        }
    }
    let mut calls = 0;
    while !recorder.is_empty() {
        assert!(!told(&mut recorder).is_empty(), "each call gets on");
        calls += 1;
    }
    assert!(calls <= data.len());
});
