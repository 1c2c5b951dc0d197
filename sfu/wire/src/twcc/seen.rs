//! Which packets arrived, as far back as anybody asks.

/// How far back of the highest number it goes.
const WINDOW: u64 = 8_192;

/// Which of the last [`WINDOW`] numbers arrived: a ring of bits.
#[derive(Debug)]
pub(super) struct Seen {
    bits: Box<[u64; WINDOW as usize / 64]>,
    /// The number after the highest.
    end: u64,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self {
            bits: Box::new([0; WINDOW as usize / 64]),
            end: 0,
        }
    }

    /// False where the number was there before, or is older than the window.
    pub(super) fn insert(&mut self, number: u64) -> bool {
        if number >= self.end {
            if number - self.end >= WINDOW {
                self.bits.fill(0);
            } else {
                for skipped in self.end..=number {
                    self.set(skipped, false);
                }
            }
            self.end = number + 1;
        } else if number + WINDOW < self.end || self.contains(number) {
            return false;
        }
        self.set(number, true);
        true
    }

    /// Numbers older than the window count as arrived: nobody knows better.
    pub(super) fn contains(&self, number: u64) -> bool {
        let (word, bit) = Self::position(number);
        number + WINDOW < self.end
            || number < self.end && self.bits.get(word).is_some_and(|bits| bits >> bit & 1 != 0)
    }

    fn set(&mut self, number: u64, value: bool) {
        let (word, bit) = Self::position(number);
        if let Some(bits) = self.bits.get_mut(word) {
            *bits = *bits & !(1 << bit) | u64::from(value) << bit;
        }
    }

    fn position(number: u64) -> (usize, u64) {
        let index = number % WINDOW;
        ((index / 64) as usize, index % 64)
    }
}
