//! Which packets of one stream were received: the replay list of RFC 3711 section 3.3.2, as a sliding window.

use super::SrtpError;

/// How many indexes, the highest one included, the window remembers; older ones are refused.
pub const WINDOW: u64 = 1024;
const WORDS: usize = (WINDOW / 64) as usize;

/// The highest index received and a ring of bits for it and the `WINDOW - 1` before.
#[derive(Clone)]
pub(crate) struct Window {
    highest: u64,
    seen: [u64; WORDS],
}

impl Window {
    /// A window whose first packet is `index`.
    pub(crate) fn new(index: u64) -> Self {
        let mut window = Self {
            highest: index,
            seen: [0; WORDS],
        };
        window.set(index, true);
        window
    }

    pub(crate) fn highest(&self) -> u64 {
        self.highest
    }

    /// Whether `index` may still be accepted. Changes nothing: the packet is not authenticated yet.
    pub(crate) fn check(&self, index: u64) -> Result<(), SrtpError> {
        if index > self.highest {
            Ok(())
        } else if self.highest - index >= WINDOW {
            Err(SrtpError::TooOld)
        } else if self.get(index) {
            Err(SrtpError::Replay)
        } else {
            Ok(())
        }
    }

    /// Takes note of a packet that was checked and is authentic.
    pub(crate) fn accept(&mut self, index: u64) {
        if index > self.highest {
            if index - self.highest >= WINDOW {
                self.seen = [0; WORDS];
            } else {
                for skipped in self.highest + 1..index {
                    self.set(skipped, false);
                }
            }
            self.highest = index;
        }
        self.set(index, true);
    }

    fn get(&self, index: u64) -> bool {
        let (word, bit) = place(index);
        self.seen[word] & bit != 0
    }

    fn set(&mut self, index: u64, seen: bool) {
        let (word, bit) = place(index);
        if seen {
            self.seen[word] |= bit;
        } else {
            self.seen[word] &= !bit;
        }
    }
}

/// Word (always below `WORDS`) and bit of an index in the ring.
fn place(index: u64) -> (usize, u64) {
    ((index / 64) as usize % WORDS, 1 << (index % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn receive(window: &mut Window, index: u64) -> Result<(), SrtpError> {
        window.check(index)?;
        window.accept(index);
        Ok(())
    }

    #[test]
    fn ages() {
        // Around the ring's start, the middle of a word, and roll-overs of the sequence.
        for highest in [
            1024,
            1500,
            65_535,
            65_536,
            65_600,
            (7 << 16) + 3,
            (1 << 48) - 1,
        ] {
            for (age, first) in [
                (0, Err(SrtpError::Replay)),
                (1, Ok(())),
                (63, Ok(())),
                (64, Ok(())),
                (65, Ok(())),
                (1022, Ok(())),
                (1023, Ok(())),
                (1024, Err(SrtpError::TooOld)),
            ] {
                let mut window = Window::new(highest);
                assert_eq!(
                    receive(&mut window, highest - age),
                    first,
                    "{highest} {age}"
                );
                assert!(
                    receive(&mut window, highest - age).is_err(),
                    "{highest} {age}"
                );
                assert_eq!(window.highest(), highest);
            }
        }
    }

    #[test]
    fn what_was_seen_is_seen_until_it_leaves() {
        for age in 1..WINDOW {
            let mut window = Window::new(5000);
            assert_eq!(receive(&mut window, 5000 + age), Ok(()));
            assert_eq!(receive(&mut window, 5000), Err(SrtpError::Replay));
            assert_eq!(
                receive(&mut window, 4999),
                if age < WINDOW - 1 {
                    Ok(())
                } else {
                    Err(SrtpError::TooOld)
                }
            );
        }
        let mut window = Window::new(5000);
        assert_eq!(receive(&mut window, 5000 + WINDOW), Ok(()));
        assert_eq!(receive(&mut window, 5000), Err(SrtpError::TooOld));
        assert_eq!(receive(&mut window, 5001), Ok(()));
    }

    proptest! {
        /// Against a set that remembers everything.
        #[test]
        fn is_a_set_with_a_horizon(steps in prop::collection::vec(-1200i64..1200, 1..400)) {
            let mut at = 1u64 << 20;
            let mut window = Window::new(at);
            let mut seen = BTreeSet::from([at]);
            for step in steps {
                at = at.saturating_add_signed(step);
                let highest = window.highest();
                let expected = if at + WINDOW <= highest {
                    Err(SrtpError::TooOld)
                } else if seen.contains(&at) {
                    Err(SrtpError::Replay)
                } else {
                    Ok(())
                };
                prop_assert_eq!(receive(&mut window, at), expected);
                if expected.is_ok() {
                    seen.insert(at);
                }
                prop_assert_eq!(window.highest(), highest.max(if expected.is_ok() { at } else { 0 }));
            }
        }
    }
}
