//! The payloads of one encoding that can be sent again: one copy for all viewers, bounded in time and size.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Time;

const MOST_BYTES: usize = 512 * 1024;
const SHORTEST_LIFE: Duration = Duration::from_secs(1);
/// Sequence numbers covered at the most; also what bounds the work of a jump.
const MOST_PACKETS: usize = 2048;
/// How far a packet may be behind all that is kept: the first to arrive is not always the first sent.
const MOST_EARLIER: u64 = 256;
/// What an entry costs beside its payload.
const OVERHEAD: usize = std::mem::size_of::<Option<Entry>>();

/// A received packet without its header.
pub struct Entry {
    pub received: Time,
    pub timestamp: u32,
    pub payload_type: u8,
    pub marker: bool,
    pub keyframe: bool,
    pub audio_level: Option<u8>,
    pub payload: Box<[u8]>,
}

/// Packets by extended sequence number, holes where one did not come.
#[derive(Default)]
pub struct History {
    first: u64,
    entries: VecDeque<Option<Entry>>,
    bytes: usize,
}

impl History {
    /// Keeps a packet, unless it is older than what is kept.
    pub fn insert(&mut self, sequence: u64, entry: Entry, rtt: Duration) {
        self.expire(entry.received, rtt);
        let end = self.first + self.entries.len() as u64;
        if self.entries.is_empty() || sequence > end + MOST_PACKETS as u64 {
            self.clear();
            self.first = sequence;
        }
        let before = self.first.saturating_sub(sequence);
        if before > MOST_EARLIER {
            return;
        }
        for _ in 0..before {
            self.entries.push_front(None);
            self.bytes += OVERHEAD;
            self.first -= 1;
        }
        let index = (sequence - self.first) as usize;
        while self.entries.len() <= index {
            self.entries.push_back(None);
            self.bytes += OVERHEAD;
        }
        if let Some(place) = self.entries.get_mut(index)
            && place.is_none()
        {
            self.bytes += entry.payload.len();
            *place = Some(entry);
        }
        while self.bytes > MOST_BYTES || self.entries.len() > MOST_PACKETS {
            self.drop_first();
        }
    }

    /// Drops what is older than a second or two round trips.
    pub fn expire(&mut self, now: Time, rtt: Duration) {
        let oldest = now - SHORTEST_LIFE.max(rtt * 2);
        while let Some(front) = self.entries.front() {
            match front {
                Some(entry) if entry.received >= oldest => break,
                _ => self.drop_first(),
            }
        }
    }

    fn drop_first(&mut self) {
        if let Some(dropped) = self.entries.pop_front() {
            self.first += 1;
            self.bytes -= OVERHEAD + dropped.map_or(0, |entry| entry.payload.len());
        }
    }

    pub fn get(&self, sequence: u64) -> Option<&Entry> {
        let index = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        self.entries.get(index)?.as_ref()
    }

    /// What came after `sequence`, in order.
    pub fn after(&self, sequence: u64) -> impl Iterator<Item = (u64, &Entry)> {
        let from = (sequence + 1).saturating_sub(self.first) as usize;
        self.entries
            .iter()
            .enumerate()
            .skip(from)
            .filter_map(|(index, entry)| Some((self.first + index as u64, entry.as_ref()?)))
    }

    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    /// Bytes held, the bookkeeping included.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(50);

    fn entry(ms: u64, size: usize) -> Entry {
        Entry {
            received: Time::from_micros(ms * 1000),
            timestamp: ms as u32,
            payload_type: 96,
            marker: false,
            keyframe: false,
            audio_level: None,
            payload: vec![0; size].into(),
        }
    }

    #[test]
    fn packets_are_found_by_number_and_holes_are_not() {
        let mut history = History::default();
        history.insert(70_000, entry(0, 10), RTT);
        history.insert(70_003, entry(1, 10), RTT);
        history.insert(70_002, entry(2, 10), RTT);
        assert!(history.get(70_001).is_none() && history.get(69_999).is_none());
        assert!(history.get(70_002).is_some() && history.get(70_003).is_some());
        let after: Vec<u64> = history
            .after(70_000)
            .map(|(sequence, _)| sequence)
            .collect();
        assert_eq!(after, [70_002, 70_003]);
    }

    #[test]
    fn it_is_bounded_in_bytes_and_packets() {
        let mut history = History::default();
        for n in 0..10_000_u64 {
            history.insert(70_000 + n, entry(1, if n < 5_000 { 1200 } else { 1 }), RTT);
            assert!(history.bytes() <= MOST_BYTES && history.entries.len() <= MOST_PACKETS);
        }
        assert!(history.get(79_999).is_some());
    }

    #[test]
    fn it_forgets_after_a_second_or_two_round_trips() {
        let mut history = History::default();
        history.insert(70_000, entry(0, 10), RTT);
        history.insert(70_001, entry(1_100, 10), RTT);
        assert!(history.get(70_000).is_none() && history.get(70_001).is_some());
        let slow = Duration::from_millis(800);
        history.insert(70_002, entry(2_200, 10), slow);
        assert!(history.get(70_001).is_some());
        history.expire(Time::from_micros(9_000_000), RTT);
        assert_eq!((history.bytes(), history.get(70_002).is_some()), (0, false));
    }

    #[test]
    fn an_earlier_packet_finds_its_place_unless_it_is_far_behind() {
        let mut history = History::default();
        history.insert(70_010, entry(0, 10), RTT);
        history.insert(70_007, entry(1, 10), RTT);
        history.insert(60_000, entry(2, 10), RTT);
        let kept: Vec<u64> = history.after(1).map(|(sequence, _)| sequence).collect();
        assert_eq!(kept, [70_007, 70_010]);
    }

    #[test]
    fn a_jump_starts_anew() {
        let mut history = History::default();
        history.insert(70_000, entry(0, 10), RTT);
        history.insert(700_000, entry(1, 10), RTT);
        assert!(history.get(70_000).is_none() && history.get(700_000).is_some());
        assert_eq!(history.entries.len(), 1);
    }
}
