//! Redundant audio (RFC 2198): a packet's own audio behind copies of what the packets before it carried.

/// Copies that are read of one packet; browsers send one or two.
pub const MOST_COPIES: usize = 4;

/// One piece of audio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Block<'a> {
    /// RTP payload type of what it holds.
    pub payload_type: u8,
    /// How much older than the packet it is, in ticks of the RTP timestamp: 0 to 16,383.
    pub age: u16,
    pub payload: &'a [u8],
}

/// A packet taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Red<'a> {
    /// What the packet itself is about.
    pub primary: Block<'a>,
    copies: [Block<'a>; MOST_COPIES],
    count: usize,
}

impl<'a> Red<'a> {
    /// The copies, the oldest first: the last is of the packet before this one.
    pub fn copies(&self) -> &[Block<'a>] {
        self.copies.get(..self.count).unwrap_or_default()
    }

    /// Takes a payload apart (section 3); `None` for what is cut short, has too many copies, or no audio of its own.
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let mut copies = [(0, 0, 0); MOST_COPIES];
        let mut count = 0;
        let mut rest = payload;
        let primary_type = loop {
            match rest {
                [first, after @ ..] if first & 0x80 == 0 => {
                    rest = after;
                    break *first;
                }
                [first, age, shared, length, after @ ..] => {
                    let place = copies.get_mut(count)?;
                    let age = u16::from(*age) << 6 | u16::from(*shared) >> 2;
                    let length = usize::from(*shared & 0x03) << 8 | usize::from(*length);
                    *place = (first & 0x7F, age, length);
                    count += 1;
                    rest = after;
                }
                _ => return None,
            }
        };
        let mut found = Self {
            primary: Block::default(),
            copies: [Block::default(); MOST_COPIES],
            count,
        };
        let headers = copies.iter().take(count);
        for (place, &(payload_type, age, length)) in found.copies.iter_mut().zip(headers) {
            let (payload, after) = rest.split_at_checked(length)?;
            rest = after;
            *place = Block {
                payload_type,
                age,
                payload,
            };
        }
        found.primary = Block {
            payload_type: primary_type,
            age: 0,
            payload: rest,
        };
        (!rest.is_empty()).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(payload_type: u8, age: u16, payload: &[u8]) -> Block<'_> {
        Block {
            payload_type,
            age,
            payload,
        }
    }

    /// As section 3 has it, written apart from the reader.
    fn write(copies: &[(u8, u16, Vec<u8>)], primary: (u8, &[u8])) -> Vec<u8> {
        let mut out = Vec::new();
        for (payload_type, age, payload) in copies {
            let word = 1 << 31
                | u32::from(*payload_type) << 24
                | u32::from(*age) << 10
                | payload.len() as u32;
            out.extend(word.to_be_bytes());
        }
        out.push(primary.0);
        for (_, _, payload) in copies {
            out.extend(payload);
        }
        out.extend(primary.1);
        out
    }

    #[test]
    fn what_a_browser_sends() {
        // PT 111, 960 ticks older, 3 bytes; then PT 111.
        let bytes = [0xEF, 0x0F, 0x00, 0x03, 0x6F, 1, 2, 3, 4, 5];
        let red = Red::parse(&bytes).expect("it is whole");
        assert_eq!(red.copies(), [block(111, 960, &[1, 2, 3])]);
        assert_eq!(red.primary, block(111, 0, &[4, 5]));
        let first = Red::parse(&[0x6F, 4, 5]).expect("nothing went before");
        assert_eq!(
            (first.copies(), first.primary),
            (&[][..], block(111, 0, &[4, 5]))
        );
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let rows: &[(&str, &[u8])] = &[
            ("nothing", &[]),
            ("a header cut short", &[0xEF, 0x0F, 0x00]),
            ("no header of its own", &[0xEF, 0x0F, 0x00, 0x00]),
            ("no audio of its own", &[0x6F]),
            (
                "no audio behind a copy",
                &[0xEF, 0x0F, 0x00, 0x02, 0x6F, 1, 2],
            ),
            (
                "a copy longer than the packet",
                &[0xEF, 0x0F, 0x03, 0xFF, 0x6F, 1, 2],
            ),
            ("copies without end", &[0x80; 400]),
        ];
        for (name, bytes) in rows {
            assert_eq!(Red::parse(bytes), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn takes_any_bytes(payload in prop::collection::vec(any::<u8>(), 0..1_500)) {
            if let Some(red) = Red::parse(&payload) {
                let headers = 4 * red.copies().len() + 1;
                let copied: usize = red.copies().iter().map(|copy| copy.payload.len()).sum();
                prop_assert_eq!(headers + copied + red.primary.payload.len(), payload.len());
            }
        }

        #[test]
        fn reads_what_was_written(
            copies in prop::collection::vec((0_u8..128, 0_u16..16_384, prop::collection::vec(any::<u8>(), 0..1_023)), 0..=MOST_COPIES),
            primary in (0_u8..128, prop::collection::vec(any::<u8>(), 1..300)),
        ) {
            let bytes = write(&copies, (primary.0, &primary.1));
            let red = Red::parse(&bytes).expect("it is whole");
            prop_assert_eq!(red.primary, block(primary.0, 0, &primary.1));
            let read: Vec<_> = red.copies().iter().map(|copy| (copy.payload_type, copy.age, copy.payload.to_vec())).collect();
            prop_assert_eq!(read, copies);
        }
    }
}
