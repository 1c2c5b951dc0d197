//! How a publisher's numbers become a viewer's, while one encoding passes into one slot.

use std::collections::VecDeque;

/// Changes of the offset that late packets may still need.
const MOST_CUTS: usize = 64;
/// Packets after the start that may still speak of what was before it.
const EARLY: u64 = 64;

pub struct Passing {
    pub encoding: usize,
    /// What is below came before the viewer's start, or so long ago that its place is forgotten.
    pub first: u64,
    /// The highest source number that the viewer has been shown.
    pub newest: u64,
    pub timestamp_offset: u32,
    /// Of the first packet, at the publisher.
    first_timestamp: u32,
    cuts: VecDeque<Cut>,
}

/// From source number `from` on, ours is theirs plus `offset`.
struct Cut {
    from: u64,
    offset: u64,
}

impl Passing {
    /// Source number `first` of `encoding` becomes `ours`.
    pub fn new(encoding: usize, first: u64, ours: u64, timestamp_offset: u32) -> Self {
        Self {
            encoding,
            first,
            newest: first,
            timestamp_offset,
            first_timestamp: 0,
            cuts: VecDeque::from([Cut {
                from: first,
                offset: ours.wrapping_sub(first),
            }]),
        }
    }

    /// The publisher's timestamp at the start.
    pub fn begun_at(mut self, timestamp: u32) -> Self {
        self.first_timestamp = timestamp;
        self
    }

    /// Whether what packet `sequence` has of time `timestamp` is from after the start.
    pub fn is_after_start(&self, sequence: u64, timestamp: u32) -> bool {
        // Timestamps turn round after half a day, so they are asked only near the start.
        sequence > self.first + EARLY || timestamp.wrapping_sub(self.first_timestamp) as i32 >= 0
    }

    /// Our number for theirs.
    pub fn translate(&self, sequence: u64) -> Option<u64> {
        let cut = self.cuts.iter().rev().find(|cut| cut.from <= sequence)?;
        Some(sequence.wrapping_add(cut.offset))
    }

    /// The packet after the newest carried nothing: the number it would have had goes to the next one.
    pub fn absorb(&mut self, sequence: u64) {
        self.newest = sequence;
        if let Some(last) = self.cuts.back() {
            let offset = last.offset.wrapping_sub(1);
            self.cuts.push_back(Cut {
                from: sequence + 1,
                offset,
            });
        }
        if self.cuts.len() > MOST_CUTS {
            self.cuts.pop_front();
            self.first = self.cuts.front().map_or(self.first, |cut| cut.from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_packets_find_their_place_around_what_was_absorbed() {
        let mut passing = Passing::new(0, 100, 7, 0);
        passing.absorb(102);
        passing.absorb(104);
        let numbers = [100, 101, 103, 105, 106].map(|sequence| passing.translate(sequence));
        assert_eq!(numbers, [7, 8, 9, 10, 11].map(Some));
        assert_eq!(passing.translate(99), None);
    }

    #[test]
    fn of_many_changes_the_oldest_are_forgotten() {
        let mut passing = Passing::new(0, 100, 7, 0);
        for n in 0..1_000 {
            passing.absorb(101 + 2 * n);
        }
        assert!(passing.cuts.len() <= MOST_CUTS);
        assert!(passing.first > 1_900 && passing.translate(passing.first).is_some());
        assert_eq!(passing.translate(2_101), Some(7 + 2_001 - 1_000));
    }
}
