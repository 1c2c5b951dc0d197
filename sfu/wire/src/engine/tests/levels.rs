//! How loud people are is told in batches, and of nobody who may not be heard.

use std::time::Duration;

use super::bed::*;
use crate::command::TrackId;
use crate::event::Event;

const LEVEL: u8 = 1;

fn loud(index: u64, level: u8) -> Packet {
    Packet {
        extensions: vec![(LEVEL, vec![0x80 | level])],
        ..sound(210, index, tail(index))
    }
}

fn levels(bed: &mut Bed) -> Vec<Vec<(TrackId, u8)>> {
    let told = |event| match event {
        Event::Levels { levels } => Some(levels),
        _ => None,
    };
    bed.events().into_iter().filter_map(told).collect()
}

/// A second of speech, a packet every 20 ms; what the node was told, and took each time.
fn speak(bed: &mut Bed, from: u64, level: u8) -> Vec<Vec<(TrackId, u8)>> {
    let mut told = Vec::new();
    for index in from..from + 50 {
        bed.send(2, &loud(index, level));
        told.extend(levels(bed));
        bed.pass(Duration::from_millis(20));
    }
    told
}

#[test]
fn the_node_hears_of_it_a_few_times_a_second() {
    let mut bed = pair();
    let told = speak(&mut bed, 5, 30);
    assert_eq!(told, vec![vec![(TrackId(21), 30)]; 5]);
}

#[test]
fn what_the_node_has_not_taken_is_not_told_twice() {
    let mut bed = pair();
    for index in 5..105 {
        bed.send(2, &loud(index, 30));
        bed.pass(Duration::from_millis(20));
    }
    assert_eq!(levels(&mut bed).len(), 1);
    bed.send(2, &loud(105, 30));
    assert_eq!(levels(&mut bed).len(), 1, "and goes on once it has");
}

#[test]
fn nothing_is_told_of_silence_and_of_who_may_not_be_heard() {
    type Close = fn(&mut Bed);
    let closings: [Close; 4] = [
        |bed| bed.gate(2, false),
        |bed| bed.mute(21, true),
        // Nobody else is inside.
        |bed| bed.gate(1, false),
        |bed| {
            bed.apply(crate::command::Command::ClosePeer {
                peer: crate::command::PeerId(1),
            });
        },
    ];
    for (case, close) in closings.into_iter().enumerate() {
        let mut bed = pair();
        speak(&mut bed, 5, 30);
        bed.send(2, &loud(55, 10));
        levels(&mut bed);
        bed.send(2, &loud(56, 10));
        close(&mut bed);
        bed.pass(Duration::from_millis(500));
        assert!(speak(&mut bed, 57, 30).is_empty(), "{case}");
    }
    let mut bed = pair();
    assert!(speak(&mut bed, 5, 127).is_empty());
}

#[test]
fn what_was_loud_before_a_closing_is_forgotten() {
    let mut bed = pair();
    bed.send(2, &loud(5, 50));
    levels(&mut bed);
    bed.send(2, &loud(6, 0));
    bed.gate(2, false);
    bed.gate(2, true);
    bed.pass(Duration::from_millis(500));
    bed.send(2, &loud(7, 50));
    assert_eq!(levels(&mut bed), [[(TrackId(21), 50)]]);
}
