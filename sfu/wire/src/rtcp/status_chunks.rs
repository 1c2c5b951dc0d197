//! The status chunks of transport feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01,
//! section 3.1.3): per packet whether it arrived, and in how many bytes its delta is said.

use super::RtcpError;

/// Statuses in a chunk of one-bit and of two-bit symbols.
const ONE_BIT: u16 = 14;
const TWO_BIT: u16 = 7;
/// The longest run that one chunk can say.
const MAX_RUN: u16 = 0x1FFF;

/// What became of one packet. Its number is the symbol on the wire, and the length of the delta in
/// bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Lost = 0,
    /// 0 to 255 ticks after the one before.
    Small = 1,
    /// Any other delta of 16 bits with a sign.
    Large = 2,
}

impl Status {
    fn of(symbol: u16) -> Option<Self> {
        match symbol & 3 {
            0 => Some(Self::Lost),
            1 => Some(Self::Small),
            2 => Some(Self::Large),
            _ => None,
        }
    }
}

/// One chunk as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk(pub(super) u16);

impl Chunk {
    /// How many statuses it holds, those of the last chunk past the count included.
    pub(super) fn len(self) -> u16 {
        match self.0 >> 14 {
            0b10 => ONE_BIT,
            0b11 => TWO_BIT,
            _ => self.0 & MAX_RUN,
        }
    }

    /// The status at `index`, `None` for the reserved symbol 0b11.
    pub(super) fn status(self, index: u16) -> Option<Status> {
        match self.0 >> 14 {
            0b10 => Status::of(self.0 >> (ONE_BIT - 1).saturating_sub(index) & 1),
            0b11 => Status::of(self.0 >> (2 * (TWO_BIT - 1).saturating_sub(index))),
            _ => Status::of(self.0 >> 13),
        }
    }

    /// How many bytes the deltas of the first `count` statuses take. A run costs no more than a
    /// vector to find out.
    pub(super) fn delta_len(self, count: u16) -> Result<usize, RtcpError> {
        let len = |index| {
            self.status(index)
                .map(|status| status as usize)
                .ok_or(RtcpError::Malformed)
        };
        if self.0 >> 15 == 0 {
            Ok(len(0)? * usize::from(count))
        } else {
            (0..count).map(len).sum()
        }
    }
}

/// Packs statuses into chunks: runs where all are the same, one bit each where no delta is large,
/// else two.
#[derive(Debug)]
pub(super) struct Packer {
    chunks: Vec<u8>,
    /// The last `len` statuses, not yet in a chunk. Past the length of this array all are the same.
    pending: [Status; ONE_BIT as usize],
    len: u16,
    uniform: bool,
}

impl Packer {
    pub(super) fn new() -> Self {
        Self {
            chunks: Vec::new(),
            pending: [Status::Lost; ONE_BIT as usize],
            len: 0,
            uniform: true,
        }
    }

    pub(super) fn clear(&mut self) {
        self.chunks.clear();
        self.len = 0;
        self.uniform = true;
    }

    /// How many bytes the chunks are when `more` lost packets and then an arrived one were pushed:
    /// no more than this.
    pub(super) fn len_with(&self, more: u16) -> usize {
        // One chunk that the lost ones fill up, their runs, one that the arrived one forces out,
        // the unfinished.
        self.chunks.len() + 2 * (4 + usize::from(more / MAX_RUN))
    }

    pub(super) fn push(&mut self, status: Status, count: u16) {
        let mut left = count;
        while left > 0 {
            let room = self.room(status);
            if room == 0 {
                self.flush(false);
                continue;
            }
            let taken = left.min(room);
            let free = self.pending.iter_mut().skip(usize::from(self.len));
            free.take(usize::from(taken))
                .for_each(|slot| *slot = status);
            self.uniform &= self.pending.first() == Some(&status);
            self.len += taken;
            left -= taken;
        }
    }

    /// Packs what is pending; statuses past the last one are zero.
    pub(super) fn finish(&mut self) -> &[u8] {
        while self.len > 0 {
            self.flush(true);
        }
        &self.chunks
    }

    /// How many of `status` may follow what is pending and still be said by one chunk together with
    /// it.
    fn room(&self, status: Status) -> u16 {
        if self.len == 0 || self.uniform && self.pending.first() == Some(&status) {
            return MAX_RUN - self.len;
        }
        let one_bit = status != Status::Large && !self.statuses().contains(&Status::Large);
        if one_bit { ONE_BIT } else { TWO_BIT }.saturating_sub(self.len)
    }

    /// Pending statuses as far as they are kept one by one.
    fn statuses(&self) -> &[Status] {
        let len = self.pending.len().min(usize::from(self.len));
        self.pending.get(..len).unwrap_or_default()
    }

    /// Packs one chunk of what is pending. A vector that is not full may only be the last.
    fn flush(&mut self, last: bool) {
        let statuses = self.statuses();
        let one_bit = !statuses.contains(&Status::Large);
        let (chunk, taken) = if self.uniform {
            let symbol = self.pending.first().map_or(0, |&status| status as u16);
            (symbol << 13 | self.len, self.len)
        } else if one_bit && (self.len == ONE_BIT || last && self.len > TWO_BIT) {
            (0b10 << 14 | pack(statuses, 1, ONE_BIT), self.len)
        } else {
            (
                0b11 << 14 | pack(statuses, 2, TWO_BIT),
                self.len.min(TWO_BIT),
            )
        };
        self.chunks.extend_from_slice(&chunk.to_be_bytes());
        self.pending.rotate_left(usize::from(taken.min(ONE_BIT)));
        self.len -= taken;
        self.uniform = self
            .statuses()
            .windows(2)
            .all(|pair| pair.first() == pair.last());
    }
}

/// The first `capacity` statuses in `bits` each, from the highest bit down.
fn pack(statuses: &[Status], bits: u16, capacity: u16) -> u16 {
    let from_high = (0..capacity).rev().zip(statuses);
    from_high.fold(0, |chunk, (position, &status)| {
        chunk | (status as u16) << (position * bits)
    })
}
