//! Transport-wide feedback, the one message that packs what it says.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn feedback(compound: &[u8]) -> Vec<(u16, Option<i64>)> {
    match only(compound) {
        Packet::TransportFeedback(feedback) => feedback.packets().collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn reads_transport_feedback_from_its_bytes() {
    let bytes = [
        0xAF, 205, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2, // header with padding, SSRCs
        0xFF, 0xFF, 0, 13, 0xFF, 0xFF, 0xFE, 200, // base, count, reference -128 ms, number
        0x20, 0x02, // a run of two small deltas
        0xD2, 0x00, // 2-bit vector: small, lost, large, lost, lost, lost, lost
        0xA8, 0x00, // 1-bit vector: small, lost, small; four of it count
        4, 8, 12, 0xFF, 0xFC, 1, 2, // deltas: the large one is -4
        0, 0, 3, // padding
    ];
    let Packet::TransportFeedback(read) = only(&bytes) else {
        panic!("not transport feedback");
    };
    assert_eq!((read.base(), read.count(), read.number), (65_535, 13, 200));
    assert_eq!(read.reference_micros(), -128_000);
    let ticks = [
        Some(4),
        Some(12),
        Some(24),
        None,
        Some(20),
        None,
        None,
        None,
        None,
        Some(21),
        None,
        Some(23),
        None,
    ];
    let expected = (0..).map(|index| 65_535_u16.wrapping_add(index)).zip(ticks);
    let expected: Vec<_> = expected
        .map(|(sequence, ticks)| (sequence, ticks.map(|ticks| ticks * TICK)))
        .collect();
    assert_eq!(feedback(&bytes), expected);
}

#[test]
fn reserved_symbols_are_errors_where_they_count() {
    let fixed = [0, 0, 0, 1, 0, 0, 0, 2, 0, 100, 0, 2, 0, 0, 1, 0];
    for (chunk, valid) in [
        (0x6002_u16, false),            // a run of 0b11
        (0b1111_0000_0000_0000, false), // first of a vector
        (0b1101_1100_0000_0000, false), // second
        (0b1101_0111_0000_0000, true),  // third, past the count
        (0b1101_0100_0000_0000, true),
    ] {
        let [c0, c1] = chunk.to_be_bytes();
        let body = [&fixed[..], &[c0, c1, 1, 2, 0, 0, 0, 0]].concat();
        let expected = if valid {
            None
        } else {
            Some(RtcpError::Malformed)
        };
        assert_eq!(error(&message(15, 205, &body)), expected, "{chunk:#018b}");
    }
}

#[test]
fn transport_feedback_must_hold_what_it_counts() {
    let head = |count: u16| {
        let [c0, c1] = count.to_be_bytes();
        vec![0, 0, 0, 1, 0, 0, 0, 2, 0, 100, c0, c1, 0, 0, 1, 0]
    };
    let with =
        |count, rest: &[u8]| error(&message(15, 205, &[head(count), rest.to_vec()].concat()));
    assert_eq!(
        with(0, &[0x20, 0, 0, 0]),
        Some(RtcpError::Malformed),
        "about nothing"
    );
    assert_eq!(
        with(3, &[0x20, 3, 1, 2]),
        Some(RtcpError::TooShort),
        "a delta is missing"
    );
    assert_eq!(with(2, &[0x20, 2, 1, 2]), None);
    assert_eq!(
        with(2, &[0x40, 2, 1, 2]),
        Some(RtcpError::TooShort),
        "large deltas"
    );
    assert_eq!(
        with(1, &[0x00, 0, 0, 0]),
        Some(RtcpError::TooShort),
        "only empty runs"
    );
    assert_eq!(
        with(5, &[0x00, 4, 0, 0]),
        Some(RtcpError::TooShort),
        "too few statuses"
    );
    assert_eq!(with(65_535, &[0x1F, 0xFF].repeat(10)), None, "all lost");
}

#[test]
fn a_compound_packet_tells_of_no_more_packets_than_there_are_numbers() {
    let body = [
        &[0, 0, 0, 1, 0, 0, 0, 2, 0, 100, 0xFF, 0xFF, 0, 0, 1, 0],
        &[0x1F, 0xFF].repeat(10)[..],
    ];
    let one = message(15, 205, &body.concat());
    assert_eq!(exhaust(&one), 65_535);
    assert_eq!(exhaust(&one.repeat(30)), 65_535);
    assert_eq!(error(&one.repeat(30)), Some(RtcpError::TooMuch));
}

#[test]
fn feedback_is_packed_as_tightly_as_it_can_be() {
    let written = |pushes: &[(u16, i64)]| {
        let mut builder = Builder::new();
        builder.start(0, pushes[0].1, 1_000);
        for &(lost, arrival) in pushes {
            assert!(builder.push(lost, arrival));
        }
        let mut out = Vec::new();
        builder.write(1, 2, 0, &mut out);
        feedback(&out);
        out.len()
    };
    let steady: Vec<_> = (0..100).map(|index| (0, index)).collect();
    assert_eq!(
        written(&steady),
        20 + (2_usize + 100).next_multiple_of(4),
        "one run"
    );
    let every_other: Vec<_> = (0..100).map(|index| (1, index)).collect();
    assert_eq!(
        written(&every_other),
        20 + (2 * 200_usize.div_ceil(14) + 100).next_multiple_of(4),
        "one bit each"
    );
    let large: Vec<_> = (0..99)
        .map(|index| (u16::from(index > 0), index * 300))
        .collect();
    assert_eq!(
        written(&large),
        20 + (2 * 197_usize.div_ceil(7) + 98 * 2 + 1).next_multiple_of(4),
        "two bits each"
    );
    assert_eq!(
        written(&[(0, 0), (30_000, 1)]),
        20 + (6_usize * 2 + 2).next_multiple_of(4),
        "a vector, three full runs, the rest, the last"
    );
}

#[test]
fn feedback_that_can_not_be_said_is_refused() {
    let mut builder = Builder::new();
    builder.start(5, 10_000, 1_000);
    assert!(builder.push(0, 10_000));
    assert!(!builder.push(0, 10_000 + 32_768));
    assert!(!builder.push(0, 10_000 - 32_769));
    assert!(!builder.push(Builder::MAX_COUNT - 1, 10_000));
    assert!(builder.push(0, 10_000 + 32_767));
    assert!(builder.push(0, 10_000 - 1));
    assert!(builder.push(Builder::MAX_COUNT - 4, 10_000 - 2));
    assert!(!builder.push(0, 10_000));
    assert_eq!(builder.count(), Builder::MAX_COUNT);
    let mut out = Vec::new();
    builder.write(1, 2, 0, &mut out);
    let arrivals: Vec<_> = feedback(&out)
        .into_iter()
        .filter_map(|(_, arrival)| arrival)
        .collect();
    let start = (10_000 - 10_000 % 256) * TICK;
    let expected = [10_000, 42_767, 9_999, 9_998].map(|ticks: i64| ticks * TICK - start);
    assert_eq!(arrivals, expected);
}

proptest! {
    #[test]
    fn transport_feedback_comes_back(
        base in any::<u16>(),
        first in 0..10_000_000_000_i64,
        number in any::<u8>(),
        max_len in 0..1_200_usize,
        steps in vec((
            prop_oneof![8 => Just(0_u16), 4 => 1..20_u16, 1 => any::<u16>()],
            prop_oneof![8 => 0..40_i64, 2 => -300..600_i64, 1 => -40_000..40_000_i64],
        ), 1..600),
    ) {
        let mut builder = Builder::new();
        builder.start(base, first, max_len);
        let mut arrival = first;
        let mut expected = Vec::new();
        for (index, (lost, step)) in steps.into_iter().enumerate() {
            if index > 0 {
                arrival += step;
            }
            if !builder.push(lost, arrival) {
                break;
            }
            expected.extend((0..lost).map(|_| None));
            expected.push(Some(arrival * TICK));
        }
        prop_assert_eq!(usize::from(builder.count()), expected.len());
        if expected.is_empty() {
            return Ok(());
        }
        let mut out = Vec::new();
        builder.write(1, 2, number, &mut out);
        prop_assert!(out.len() <= max_len);
        let Packet::TransportFeedback(feedback) = only(&out) else { panic!("not feedback") };
        prop_assert_eq!((feedback.sender, feedback.media, feedback.number), (1, 2, number));
        let wrap = (1_i64 << 24) * 64_000;
        let reference = feedback.reference_micros();
        prop_assert_eq!((first / 256 * 64_000 - reference).rem_euclid(wrap), 0);
        let round = first / 256 * 64_000 - reference;
        for ((index, read), expected) in feedback.packets().enumerate().zip(expected) {
            let arrival = read.1.map(|arrival| arrival + reference + round);
            prop_assert_eq!((read.0, arrival), (base.wrapping_add(index as u16), expected));
        }
    }
}
