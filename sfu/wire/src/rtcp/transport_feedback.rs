//! Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1): when
//! each packet of a transport arrived.

use super::status_chunks::{Chunk, Packer, Status};
use super::{RtcpError, format, kind, take_ssrcs, write_feedback};

/// The unit of the deltas in microseconds.
pub const TICK: i64 = 250;
/// The unit of the reference time in ticks: 64 ms.
const REFERENCE: i64 = 256;
/// Header, SSRCs and the fixed part.
const FIXED: usize = 20;

/// A view of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransportFeedback<'a> {
    /// Who received the packets.
    pub sender: u32,
    /// Any stream of the transport.
    pub media: u32,
    /// Counts the feedback messages, and wraps.
    pub number: u8,
    base: u16,
    count: u16,
    reference: i32,
    chunks: &'a [[u8; 2]],
    deltas: &'a [u8],
}

impl<'a> TransportFeedback<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, RtcpError> {
        let (sender, media, rest) = take_ssrcs(body)?;
        let (&[b0, b1, c0, c1, r0, r1, r2, number], list) =
            rest.split_first_chunk().ok_or(RtcpError::TooShort)?;
        let count = u16::from_be_bytes([c0, c1]);
        if count == 0 {
            return Err(RtcpError::Malformed);
        }
        let mut left = count;
        let mut rest = list;
        let mut deltas = 0;
        while left > 0 {
            let (chunk, after) = rest.split_first_chunk().ok_or(RtcpError::TooShort)?;
            let chunk = Chunk(u16::from_be_bytes(*chunk));
            let taken = chunk.len().min(left);
            deltas += chunk.delta_len(taken)?;
            left -= taken;
            rest = after;
        }
        let (chunks, _) = list.as_chunks();
        let used = (list.len() - rest.len()) / 2;
        Ok(Self {
            sender,
            media,
            number,
            base: u16::from_be_bytes([b0, b1]),
            count,
            // Shifted down again to extend the sign.
            reference: i32::from_be_bytes([r0, r1, r2, 0]) >> 8,
            chunks: chunks.get(..used).unwrap_or_default(),
            deltas: rest.get(..deltas).ok_or(RtcpError::TooShort)?,
        })
    }

    /// The sequence number of the first packet that it tells of.
    pub const fn base(&self) -> u16 {
        self.base
    }

    /// How many packets it tells of, at least 1.
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// What the arrivals count from, in microseconds on the receiver's clock: a number of 24 bits
    /// times 64 ms, so it wraps every 12 days.
    pub const fn reference_micros(&self) -> i64 {
        self.reference as i64 * REFERENCE * TICK
    }

    /// Each packet from the first on with its arrival in microseconds since
    /// [`Self::reference_micros`], `None` for those that did not arrive. Sequence numbers wrap. All
    /// feedback of one compound packet yields no more than 65,536 items.
    pub fn packets(&self) -> impl Iterator<Item = (u16, Option<i64>)> + use<'a> {
        let Self {
            base,
            count,
            mut deltas,
            ..
        } = *self;
        let chunks = self
            .chunks
            .iter()
            .map(|chunk| Chunk(u16::from_be_bytes(*chunk)));
        let statuses =
            chunks.flat_map(|chunk| (0..chunk.len()).map(move |index| chunk.status(index)));
        let mut ticks = 0;
        statuses.zip(0..count).map(move |(status, index)| {
            let arrival = take_delta(status, &mut deltas).map(|delta| {
                ticks += delta;
                ticks * TICK
            });
            (base.wrapping_add(index), arrival)
        })
    }
}

fn take_delta(status: Option<Status>, deltas: &mut &[u8]) -> Option<i64> {
    match status? {
        Status::Lost => None,
        Status::Small => {
            let (&delta, rest) = deltas.split_first()?;
            *deltas = rest;
            Some(i64::from(delta))
        }
        Status::Large => {
            let (delta, rest) = deltas.split_first_chunk()?;
            *deltas = rest;
            Some(i64::from(i16::from_be_bytes(*delta)))
        }
    }
}

/// Makes one message, packet by packet, as long as it can say them. It keeps its buffers for the
/// next.
#[derive(Debug)]
pub struct Builder {
    base: u16,
    count: u16,
    /// In units of 64 ms.
    reference: i64,
    /// The last arrival in ticks.
    last: i64,
    packer: Packer,
    deltas: Vec<u8>,
    max_len: usize,
}

impl Builder {
    /// The most statuses in a message: half the sequence numbers, so that each is nearer to the
    /// base than a round away.
    pub const MAX_COUNT: u16 = 0x7FFF;

    /// One that says nothing yet.
    pub fn new() -> Self {
        Self {
            base: 0,
            count: 0,
            reference: 0,
            last: 0,
            packer: Packer::new(),
            deltas: Vec::new(),
            max_len: 0,
        }
    }

    /// Begins a message of at most `max_len` bytes at the sequence number `base`. `arrival`, in
    /// ticks, is that of the first packet that will be pushed.
    pub fn start(&mut self, base: u16, arrival: i64, max_len: usize) {
        self.base = base;
        self.count = 0;
        self.reference = arrival.div_euclid(REFERENCE);
        self.last = self.reference * REFERENCE;
        self.packer.clear();
        self.deltas.clear();
        self.max_len = max_len;
    }

    /// Adds `lost` packets that did not arrive and then one that did, at `arrival` in ticks. False,
    /// and nothing is added, where the message can't say it: the delta, the count or the length
    /// would be out of range.
    pub fn push(&mut self, lost: u16, arrival: i64) -> bool {
        let delta = arrival.checked_sub(self.last);
        let Some(delta) = delta.and_then(|delta| i16::try_from(delta).ok()) else {
            return false;
        };
        let count = u32::from(self.count) + u32::from(lost) + 1;
        let len = FIXED + self.packer.len_with(lost) + self.deltas.len() + 2;
        if count > u32::from(Self::MAX_COUNT) || len.next_multiple_of(4) > self.max_len {
            return false;
        }
        self.packer.push(Status::Lost, lost);
        if let Ok(small) = u8::try_from(delta) {
            self.packer.push(Status::Small, 1);
            self.deltas.push(small);
        } else {
            self.packer.push(Status::Large, 1);
            self.deltas.extend_from_slice(&delta.to_be_bytes());
        }
        self.count = count as u16;
        self.last = arrival;
        true
    }

    /// How many packets it tells of so far.
    pub fn count(&self) -> u16 {
        self.count
    }

    /// Appends the message.
    pub fn write(&mut self, sender: u32, media: u32, number: u8, out: &mut Vec<u8>) {
        write_feedback(
            out,
            format::TRANSPORT_FEEDBACK,
            kind::TRANSPORT,
            (sender, media),
            |out| {
                out.extend_from_slice(&self.base.to_be_bytes());
                out.extend_from_slice(&self.count.to_be_bytes());
                // The upper of the 32 bits give way to the number.
                let reference = (self.reference as u32) << 8 | u32::from(number);
                out.extend_from_slice(&reference.to_be_bytes());
                out.extend_from_slice(self.packer.finish());
                out.extend_from_slice(&self.deltas);
            },
        );
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self::new()
    }
}
