//! What a viewer was sent of late: numbers only, the payload stays in the publisher's history.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Time;

const MOST: usize = 1024;
/// Repeats of one packet: a viewer that asks without end gets no more than this many times the media's rate.
const MOST_REPEATS: u8 = 10;

/// Why a packet is to be sent again.
#[derive(Clone, Copy, Debug)]
pub enum Reason {
    /// The viewer asks for it; its round trip.
    Asked(Duration),
    /// What left at that time did not arrive.
    Lost(Time),
}

#[derive(Clone, Copy)]
struct Record {
    /// Extended sequence number at the publisher; zero for a hole.
    source: u64,
    at: Time,
    repeated: Option<Time>,
    repeats: u8,
}

/// Answers "which packet was my number n?" for one slot.
#[derive(Default)]
pub struct Sent {
    first: u64,
    records: VecDeque<Record>,
}

impl Sent {
    /// Notes that `sequence` (ours, extended) carried `source` (theirs, extended).
    pub fn record(&mut self, now: Time, sequence: u64, source: u64, rtt: Duration) {
        let end = self.first + self.records.len() as u64;
        if self.records.is_empty() || sequence > end + MOST as u64 {
            self.records.clear();
            self.first = sequence;
        }
        let Some(index) = sequence.checked_sub(self.first) else {
            return;
        };
        let index = index as usize;
        while self.records.len() <= index {
            self.records.push_back(Record {
                source: 0,
                at: now,
                repeated: None,
                repeats: 0,
            });
        }
        if let Some(record) = self.records.get_mut(index) {
            record.source = source;
        }
        let oldest = now - Duration::from_secs(1).max(rtt * 2);
        while self.records.len() > MOST
            || self
                .records
                .front()
                .is_some_and(|record| record.at < oldest)
        {
            self.records.pop_front();
            self.first += 1;
        }
    }

    /// The source of our number `sequence` (16 bits, as a NACK names it), unless it was repeated too often, or another
    /// repeat is under way: within half a round trip, for who asks again after a whole one by its own measure must not find
    /// us deaf by ours; or since what is told as lost.
    /// With it comes how often to send it: what was lost again has no time for a third round, and goes twice.
    pub fn repeat(&mut self, now: Time, sequence: u16, reason: Reason) -> Option<(u64, u8)> {
        let index = usize::from(sequence.wrapping_sub(self.first as u16));
        let record = self.records.get_mut(index)?;
        if record.source == 0
            || record.repeats >= MOST_REPEATS
            || record.repeated.is_some_and(|at| match reason {
                Reason::Asked(rtt) => now.since(at) < rtt / 2,
                Reason::Lost(sent) => at > sent,
            })
        {
            return None;
        }
        record.repeated = Some(now);
        let copies = match record.repeats {
            0 => 1,
            repeats => 2.min(MOST_REPEATS - repeats),
        };
        record.repeats += copies;
        Some((record.source, copies))
    }

    pub fn clear(&mut self) {
        self.records.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(50);
    const ASKED: Reason = Reason::Asked(RTT);

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    #[test]
    fn a_number_leads_to_its_source_once_a_round_trip() {
        let mut sent = Sent::default();
        sent.record(at(0), 131_070, 70_000, RTT);
        sent.record(at(1), 131_073, 70_003, RTT);
        assert_eq!(
            sent.repeat(at(2), 131_070_u64 as u16, ASKED),
            Some((70_000, 1))
        );
        assert_eq!(sent.repeat(at(3), 131_070_u64 as u16, ASKED), None);
        assert_eq!(
            sent.repeat(at(60), 131_070_u64 as u16, ASKED),
            Some((70_000, 2))
        );
        assert_eq!(sent.repeat(at(2), 131_071_u64 as u16, ASKED), None);
        assert_eq!(
            sent.repeat(at(2), 131_073_u64 as u16, ASKED),
            Some((70_003, 1))
        );
        assert_eq!(sent.repeat(at(2), 40_000, ASKED), None);
    }

    #[test]
    fn what_is_told_as_lost_goes_again_unless_it_has_gone_since() {
        let mut sent = Sent::default();
        sent.record(at(0), 10, 70_000, RTT);
        assert_eq!(sent.repeat(at(30), 10, ASKED), Some((70_000, 1)));
        assert_eq!(sent.repeat(at(60), 10, Reason::Lost(at(0))), None);
        let again = sent.repeat(at(60), 10, Reason::Lost(at(30)));
        assert_eq!(again, Some((70_000, 2)));
        assert_eq!(sent.repeat(at(60), 10, Reason::Lost(at(30))), None);
    }

    #[test]
    fn nobody_gets_a_packet_again_without_end() {
        let mut sent = Sent::default();
        sent.record(at(0), 131_070, 70_000, RTT);
        let repeats: u8 = (1..100)
            .filter_map(|n| sent.repeat(at(n * 60), 131_070_u64 as u16, ASKED))
            .map(|(_, copies)| copies)
            .sum();
        assert_eq!(repeats, MOST_REPEATS);
    }

    #[test]
    fn it_is_bounded_and_forgets() {
        let mut sent = Sent::default();
        for n in 0..5_000_u64 {
            sent.record(at(0), 131_070 + n, 70_000 + n, RTT);
        }
        assert_eq!(sent.records.len(), MOST);
        sent.record(at(1_100), 140_000, 90_000, RTT);
        assert!(sent.records.len() <= 1);
        sent.clear();
        assert_eq!(sent.repeat(at(1_200), 140_000_u64 as u16, ASKED), None);
    }
}
