//! Sequence numbers without the wrap: 16 bits on the wire, 64 inside.

/// Puts each 16-bit sequence number nearest to the highest seen so far (RFC 3550, appendix A.1,
/// without its probation).
///
/// The first number `n` becomes `65536 + n`, so that older ones that come late stay positive. The
/// result modulo 65536 is always the number on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unwrapper {
    highest: Option<u64>,
}

impl Unwrapper {
    /// One that has seen nothing.
    pub const fn new() -> Self {
        Self { highest: None }
    }

    /// The number that `sequence` stands for. A step forward of up to 32,767 raises the highest;
    /// everything else is older.
    pub fn unwrap(&mut self, sequence: u16) -> u64 {
        let unwrapped = match self.highest {
            None => (1 << 16) + u64::from(sequence),
            Some(highest) => {
                let step = sequence.wrapping_sub(highest as u16) as i16;
                highest.wrapping_add_signed(i64::from(step))
            }
        };
        if self.highest.is_none_or(|highest| unwrapped > highest) {
            self.highest = Some(unwrapped);
        }
        unwrapped
    }

    /// The highest number so far.
    pub const fn highest(&self) -> Option<u64> {
        self.highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        // (what came, what it stands for), one stream a row
        let rows: &[&[(u16, u64)]] = &[
            &[(0, 65_536), (1, 65_537), (65_535, 65_535), (2, 65_538)],
            &[
                (65_535, 131_071),
                (0, 131_072),
                (65_535, 131_071),
                (1, 131_073),
            ],
            &[(0, 65_536), (32_767, 98_303), (0, 65_536)],
            &[(0, 65_536), (32_768, 32_768), (1, 65_537)], // half the circle counts as older
            &[(10, 65_546), (10, 65_546), (9, 65_545), (11, 65_547)],
        ];
        for row in rows {
            let mut unwrapper = Unwrapper::new();
            for &(sequence, expected) in *row {
                assert_eq!(unwrapper.unwrap(sequence), expected, "{row:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn keeps_the_low_bits_and_the_highest(sequences in prop::collection::vec(any::<u16>(), 1..200)) {
            let mut unwrapper = Unwrapper::new();
            let mut highest = 0;
            for sequence in sequences {
                let unwrapped = unwrapper.unwrap(sequence);
                prop_assert_eq!(unwrapped as u16, sequence);
                highest = highest.max(unwrapped);
                prop_assert_eq!(unwrapper.highest(), Some(highest));
                prop_assert!(unwrapped >= 32_768);
            }
        }

        #[test]
        fn follows_a_real_stream(start in 65_536_u64..131_072, steps in prop::collection::vec(-500_i64..600, 1..300)) {
            let mut unwrapper = Unwrapper::new();
            prop_assert_eq!(unwrapper.unwrap(start as u16), start);
            let mut highest = start;
            for step in steps {
                let real = highest.saturating_add_signed(step).max(start - 30_000);
                prop_assert_eq!(unwrapper.unwrap(real as u16), real);
                highest = highest.max(real);
            }
        }
    }
}
