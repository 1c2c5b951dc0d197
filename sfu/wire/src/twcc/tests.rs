//! The recorder against a plain model: what was told must be what arrived.

use super::*;
use crate::rtcp::{Packet, packets};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// One message as its reader sees it.
#[derive(Debug, PartialEq)]
struct Told {
    number: u8,
    /// Sequence number and arrival in milliseconds.
    packets: Vec<(u16, Option<f64>)>,
}

fn told(recorder: &mut Recorder) -> Vec<Told> {
    let mut out = Vec::new();
    recorder.write(1, 2, &mut out);
    assert!(out.len() <= MAX_LEN);
    let read = packets(&out).map(|packet| match packet {
        Ok(Packet::TransportFeedback(feedback)) => {
            assert_eq!((feedback.sender, feedback.media), (1, 2));
            let reference = feedback.reference_micros();
            let millis = |arrival| (reference + arrival) as f64 / 1_000.0;
            Told {
                number: feedback.number,
                packets: feedback
                    .packets()
                    .map(|(sequence, arrival)| (sequence, arrival.map(millis)))
                    .collect(),
            }
        }
        other => panic!("{other:?}"),
    });
    read.collect()
}

fn ms(millis: f64) -> Time {
    Time::from_micros((millis * 1_000.0) as u64)
}

/// What is told of `arrivals` (sequence number, milliseconds) by the next call.
fn told_of(recorder: &mut Recorder, arrivals: &[(u16, f64)]) -> Vec<Vec<(u16, Option<f64>)>> {
    for &(sequence, millis) in arrivals {
        recorder.record(sequence, ms(millis));
    }
    told(recorder)
        .into_iter()
        .map(|told| told.packets)
        .collect()
}

#[test]
fn nothing_arrived_nothing_told() {
    let mut recorder = Recorder::new();
    assert!(recorder.is_empty());
    assert!(told(&mut recorder).is_empty());
    recorder.record(7, ms(10.0));
    assert!(!recorder.is_empty());
    assert_eq!(told(&mut recorder).len(), 1);
    assert!(recorder.is_empty());
    assert!(told(&mut recorder).is_empty());
}

#[test]
fn gaps_are_lost_within_and_between_messages() {
    let mut recorder = Recorder::new();
    let first = told_of(
        &mut recorder,
        &[(65_534, 100.0), (65_535, 101.5), (2, 103.0)],
    );
    let lost = |sequence| (sequence, None);
    assert_eq!(
        first,
        [vec![
            (65_534, Some(100.0)),
            (65_535, Some(101.5)),
            lost(0),
            lost(1),
            (2, Some(103.0))
        ]]
    );
    let second = told_of(&mut recorder, &[(5, 150.0)]);
    assert_eq!(second, [vec![lost(3), lost(4), (5, Some(150.0))]]);
}

#[test]
fn reordered_packets_are_told_in_order() {
    let mut recorder = Recorder::new();
    let told = told_of(&mut recorder, &[(3, 10.0), (1, 11.0), (2, 12.0), (4, 13.0)]);
    assert_eq!(
        told,
        [vec![
            (1, Some(11.0)),
            (2, Some(12.0)),
            (3, Some(10.0)),
            (4, Some(13.0))
        ]]
    );
}

#[test]
fn the_first_of_duplicates_counts() {
    let mut recorder = Recorder::new();
    let told = told_of(&mut recorder, &[(1, 10.0), (2, 11.0), (1, 12.0), (2, 13.0)]);
    assert_eq!(told, [vec![(1, Some(10.0)), (2, Some(11.0))]]);
    recorder.record(2, ms(60.0));
    recorder.record(1, ms(61.0));
    assert!(recorder.is_empty(), "also of those that were told before");
}

#[test]
fn latecomers_are_told_and_call_nothing_lost() {
    let mut recorder = Recorder::new();
    told_of(&mut recorder, &[(1, 10.0), (3, 11.0), (4, 12.0), (7, 13.0)]);
    // 2 and 6 were lost so far, 5 still is, 8 too.
    let told = told_of(&mut recorder, &[(9, 50.0), (2, 51.0), (6, 52.0)]);
    let expected = [
        vec![(2, Some(51.0))],
        vec![(6, Some(52.0))],
        vec![(8, None), (9, Some(50.0))],
    ];
    assert_eq!(told, expected);
}

#[test]
fn deltas_out_of_range_begin_a_new_message() {
    // 16 bits of ticks are 8,191.75 ms forth and 8,192 back.
    let mut recorder = Recorder::new();
    let both = [(1, 64.0), (2, 64.0 + 8_191.75)];
    assert_eq!(
        told_of(&mut recorder, &both),
        [both.map(|(sequence, millis)| (sequence, Some(millis)))]
    );
    let told = told_of(
        &mut recorder,
        &[(3, 20_000.0), (4, 28_192.0), (5, 20_000.0), (6, 11_807.75)],
    );
    assert_eq!(
        told,
        [
            vec![(3, Some(20_000.0))],
            vec![(4, Some(28_192.0)), (5, Some(20_000.0))],
            vec![(6, Some(11_807.75))]
        ]
    );
}

#[test]
fn counts_out_of_range_begin_a_new_message() {
    let mut recorder = Recorder::new();
    let told = told_of(
        &mut recorder,
        &[(0, 10.0), (32_767, 11.0), (65_000, 12.0), (30_000, 13.0)],
    );
    // The first two are 32,768 numbers: one more than one message may say. The fourth is more than one call may say.
    let ends: Vec<_> = told
        .iter()
        .map(|packets| (packets.len(), packets[0].0, packets[packets.len() - 1]))
        .collect();
    assert_eq!(
        ends,
        [
            (1, 0, (0, Some(10.0))),
            (32_767, 1, (32_767, Some(11.0))),
            (32_233, 32_768, (65_000, Some(12.0)))
        ]
    );
    let rest = told_of(&mut recorder, &[]);
    assert_eq!(
        (rest.len(), rest[0].len(), rest[0][0]),
        (1, 30_536, (65_001, None))
    );
}

#[test]
fn numbers_of_messages_wrap() {
    let mut recorder = Recorder::new();
    for sequence in 0..600 {
        recorder.record(sequence, ms(f64::from(sequence)));
        let told = told(&mut recorder);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].number, sequence as u8);
    }
}

#[test]
fn a_long_list_takes_several_calls() {
    let mut recorder = Recorder::new();
    for sequence in 0..5_000_u16 {
        recorder.record(sequence, ms(f64::from(sequence)));
    }
    let mut sequences = Vec::new();
    let mut calls = 0;
    while !recorder.is_empty() {
        calls += 1;
        sequences.extend(
            told(&mut recorder)
                .into_iter()
                .flat_map(|told| told.packets)
                .map(|(sequence, _)| sequence),
        );
    }
    assert_eq!(sequences, (0..5_000).collect::<Vec<_>>());
    assert!(calls <= 6, "{calls}");
}

#[test]
fn without_a_reader_it_stays_bounded() {
    let mut recorder = Recorder::new();
    for sequence in 0..100_000_u32 {
        recorder.record(sequence as u16, Time::from_micros(u64::from(sequence)));
        assert!(recorder.pending.len() <= MAX_PENDING);
    }
    let told = told(&mut recorder);
    assert!(
        told[0].packets.iter().all(|(_, arrival)| arrival.is_some()),
        "nothing unsaid is called lost"
    );
}

#[test]
fn the_reference_time_wraps() {
    let mut recorder = Recorder::new();
    let wrap = (1_u64 << 24) * 64_000;
    for (sequence, arrival, expected) in [
        (1, wrap / 2 - 64_000, wrap as i64 / 2 - 64_000),
        (2, wrap / 2, -(wrap as i64) / 2),
        (3, wrap + 1_000, 1_000),
    ] {
        recorder.record(sequence, Time::from_micros(arrival));
        assert_eq!(
            told(&mut recorder)[0].packets,
            [(sequence, Some(expected as f64 / 1_000.0))]
        );
    }
}

proptest! {
    /// A path that loses, reorders and duplicates, with feedback now and then.
    #[test]
    fn tells_exactly_what_arrived(
        start in any::<u16>(),
        steps in vec((
            prop_oneof![20 => Just(1_i64), 4 => 2..6_i64, 4 => -8..=0_i64, 1 => -400..3_000_i64],
            prop_oneof![20 => 0..3_000_u64, 2 => 0..200_000_u64, 1 => 0..20_000_000_u64],
            prop::bool::weighted(0.05),
        ), 1..400),
    ) {
        let mut recorder = Recorder::new();
        let mut unwrapper = Unwrapper::new();
        let (mut sequence, mut now) = (i64::from(start) + 100_000, 1_000_000_u64);
        let mut arrived = BTreeMap::new();
        let mut told_arrived = BTreeMap::new();
        let mut number = 0_u8;
        let mut highest = None;
        let mut reader = Unwrapper::new();
        for (step, wait, flush) in steps.into_iter().chain([(1, 0, true); 60]) {
            sequence += step;
            now += wait;
            recorder.record(sequence as u16, Time::from_micros(now));
            let unwrapped = unwrapper.unwrap(sequence as u16);
            arrived.entry(unwrapped).or_insert(now / 250 * 250);
            if !flush {
                continue;
            }
            for message in told(&mut recorder) {
                prop_assert_eq!(message.number, number);
                number = number.wrapping_add(1);
                prop_assert!(message.packets.last().is_some_and(|(_, arrival)| arrival.is_some()));
                for (sequence, arrival) in message.packets {
                    // The reader unwraps as the recorder did: both began with the same number or one a little later.
                    if highest.is_none() {
                        let first = arrived.keys().find(|&&known| known as u16 == sequence).copied();
                        prop_assert!(first.is_some());
                        reader.unwrap(sequence);
                        highest = first.map(|first| first.wrapping_sub(reader.unwrap(sequence)));
                    }
                    let known = reader.unwrap(sequence).wrapping_add(highest.unwrap_or(0));
                    match arrival {
                        Some(millis) => {
                            let micros = (millis * 1_000.0).round() as u64;
                            prop_assert_eq!(arrived.get(&known), Some(&micros));
                            prop_assert_eq!(told_arrived.insert(known, micros), None, "told twice");
                        }
                        None => prop_assert!(!arrived.contains_key(&known), "{} called lost", known),
                    }
                }
            }
        }
        prop_assert!(recorder.is_empty());
        prop_assert_eq!(told_arrived, arrived);
    }

    #[test]
    fn survives_any_numbers(arrivals in vec((any::<u16>(), 0..1_u64 << 50), 0..30)) {
        let mut recorder = Recorder::new();
        for (sequence, arrival) in arrivals {
            recorder.record(sequence, Time::from_micros(arrival));
        }
        // Each call gets on.
        let mut left = recorder.pending.len();
        while !recorder.is_empty() {
            told(&mut recorder);
            prop_assert!(recorder.pending.len() < left);
            left = recorder.pending.len();
        }
    }
}
