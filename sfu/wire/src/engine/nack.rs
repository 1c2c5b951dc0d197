//! Which packets of a publisher are missing, and when to ask for them (RFC 4585 section 6.2.1).

use std::collections::VecDeque;
use std::time::Duration;

use crate::command::Kind;
use crate::time::Time;

/// Reordering is given this long before a gap is called a loss.
const PATIENCE: Duration = Duration::from_millis(10);
/// A packet is asked for in rounds at least this far apart, and at most one a round trip.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(20);
/// Beyond the round trip: browsers repeat nothing within what they take for one.
const MARGIN: Duration = Duration::from_millis(5);
/// Each round asks three times, apart from each other, for a burst of loss takes what follows as well: the way to a publisher
/// carries little else that it could take. Who has answered the first is deaf to the others.
const ASKS: u8 = 3;
const ECHO: Duration = Duration::from_millis(8);
/// Ten rounds.
const MOST_TRIES: u8 = 10 * ASKS;
const MOST_MISSING: usize = 512;
/// No player waits longer than this for sound.
const SOUND_LIFE: Duration = Duration::from_millis(500);

struct Missing {
    sequence: u64,
    since: Time,
    due: Time,
    tries: u8,
}

/// What became of the missing packets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gap {
    /// They can still be asked for.
    Repairable,
    /// More are gone than can be asked for: only a keyframe helps.
    TooWide,
}

/// The missing packets of one encoding, oldest first, bounded.
#[derive(Default)]
pub struct Nacks {
    missing: VecDeque<Missing>,
    /// How long one is worth asking for, where it is not for all rounds.
    life: Option<Duration>,
}

impl Nacks {
    pub fn of(kind: Kind) -> Self {
        Self {
            missing: VecDeque::new(),
            life: (kind == Kind::Audio).then_some(SOUND_LIFE),
        }
    }

    /// Notes that `first..end` (extended sequences) did not come; by what came before them they are due since `since`.
    pub fn lost(&mut self, now: Time, since: Time, first: u64, end: u64) -> Gap {
        if end.saturating_sub(first) > MOST_MISSING as u64 {
            self.missing.clear();
            return Gap::TooWide;
        }
        for sequence in first..end {
            self.missing.push_back(Missing {
                sequence,
                since: now,
                due: now.max(since + PATIENCE),
                tries: 0,
            });
        }
        if self.missing.len() > MOST_MISSING {
            self.missing.drain(..self.missing.len() - MOST_MISSING);
            return Gap::TooWide;
        }
        Gap::Repairable
    }

    /// Notes that `first..end`, older than all that was noted, did not come. Many of them are a jump, not a loss.
    pub fn lost_before(&mut self, now: Time, first: u64, end: u64) {
        let all = end.saturating_sub(first) + self.missing.len() as u64;
        let in_order = self
            .missing
            .front()
            .is_none_or(|oldest| oldest.sequence >= end);
        if all > MOST_MISSING as u64 || !in_order {
            return;
        }
        for sequence in (first..end).rev() {
            self.missing.push_front(Missing {
                sequence,
                since: now,
                due: now + PATIENCE,
                tries: 0,
            });
        }
    }

    /// A packet came; how often it had been asked for, when it was missing.
    pub fn found(&mut self, sequence: u64) -> Option<u8> {
        let index = self
            .missing
            .binary_search_by_key(&sequence, |missing| missing.sequence)
            .ok()?;
        Some(self.missing.remove(index)?.tries)
    }

    pub fn clear(&mut self) {
        self.missing.clear();
    }

    /// When to look again.
    pub fn next(&self) -> Option<Time> {
        self.missing.iter().map(|missing| missing.due).min()
    }

    /// Sequence numbers to ask for now, appended to `ask`; whether one was given up, so that only a keyframe helps.
    pub fn due(&mut self, now: Time, rtt: Duration, ask: &mut Vec<u16>) -> Gap {
        let before = self.missing.len();
        let life = self.life;
        self.missing.retain(|missing| {
            let lives = life.is_none_or(|life| now.since(missing.since) < life);
            missing.due > now || (missing.tries < MOST_TRIES && lives)
        });
        let given_up = self.missing.len() < before;
        for missing in &mut self.missing {
            if missing.due <= now {
                ask.push(missing.sequence as u16);
                missing.tries += 1;
                missing.due = now
                    + match missing.tries % ASKS {
                        0 => rtt.max(SHORTEST_INTERVAL) + MARGIN - ECHO * u32::from(ASKS - 1),
                        _ => ECHO,
                    };
            }
        }
        if given_up {
            Gap::TooWide
        } else {
            Gap::Repairable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(50);

    fn at(ms: u64) -> Time {
        Time::from_micros(ms * 1000)
    }

    #[test]
    fn a_gap_is_asked_for_after_a_little_patience_and_three_times_a_round_trip() {
        let mut nacks = Nacks::default();
        assert_eq!(nacks.lost(at(0), at(0), 70_001, 70_003), Gap::Repairable);
        let asks = |nacks: &mut Nacks, ms| {
            let mut ask = Vec::new();
            nacks.due(at(ms), RTT, &mut ask);
            ask
        };
        let both = [70_001_u64 as u16, 70_002_u64 as u16];
        let times = (0..65).filter(|ms| asks(&mut nacks, *ms) == both);
        assert_eq!(times.collect::<Vec<u64>>(), [10, 18, 26]);
        assert_eq!(nacks.found(70_001), Some(3));
        assert_eq!(nacks.found(70_001), None);
        assert_eq!(asks(&mut nacks, 65), [70_002_u64 as u16], "the next round");
    }

    #[test]
    fn what_has_been_late_for_long_is_asked_for_at_once() {
        let mut nacks = Nacks::default();
        nacks.lost(at(33), at(0), 70_001, 70_002);
        let mut ask = Vec::new();
        nacks.due(at(33), RTT, &mut ask);
        assert_eq!(ask, [70_001_u64 as u16]);
    }

    #[test]
    fn asking_ends_and_says_so() {
        let mut nacks = Nacks::default();
        nacks.lost(at(0), at(0), 70_001, 70_002);
        let mut ask = Vec::new();
        let mut last = 0;
        let mut given_up = Vec::new();
        for ms in 10..2000 {
            let before = ask.len();
            if nacks.due(at(ms), RTT, &mut ask) == Gap::TooWide {
                given_up.push(ms);
            }
            if ask.len() > before {
                last = ms;
            }
        }
        assert_eq!(ask.len(), usize::from(MOST_TRIES));
        assert!(given_up.len() == 1 && at(given_up[0]).since(at(last)) > RTT / 2);
        assert_eq!(nacks.next(), None);
    }

    #[test]
    fn sound_is_asked_for_while_somebody_may_wait_for_it() {
        let mut nacks = Nacks::of(Kind::Audio);
        nacks.lost(at(0), at(0), 70_001, 70_002);
        let mut asked = Vec::new();
        for ms in 0..2_000 {
            let mut ask = Vec::new();
            nacks.due(at(ms), RTT, &mut ask);
            asked.extend(ask.iter().map(|_| ms));
        }
        assert_eq!(asked.first(), Some(&10));
        assert!(asked.last().is_some_and(|last| (440..500).contains(last)));
        assert_eq!(nacks.next(), None);
    }

    #[test]
    fn the_list_is_bounded() {
        let mut nacks = Nacks::default();
        assert_eq!(nacks.lost(at(0), at(0), 70_000, 80_000), Gap::TooWide);
        assert_eq!(nacks.next(), None);
        for n in 0..10 {
            nacks.lost(at(0), at(0), 70_000 + n * 200, 70_000 + n * 200 + 100);
        }
        assert!(nacks.missing.len() <= MOST_MISSING);
    }
}
