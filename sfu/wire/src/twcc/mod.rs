//! What arrived on a transport, kept until transport-wide feedback says so
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).

mod seen;

use crate::rtcp::transport_feedback::{Builder, TICK};
use crate::seq::Unwrapper;
use crate::time::Time;
use seen::Seen;

/// More arrivals than this wait for nobody.
const MAX_PENDING: usize = 8_192;
/// One call writes no more than this: with report blocks beside it and SRTCP around it a datagram
/// stays within 1,200 bytes.
const MAX_LEN: usize = 1_000;
/// One call tells of no more packets than this, lost ones included: readers refuse a compound
/// packet that tells of more than there are sequence numbers.
const MAX_COUNT: u64 = 0xFFFF;

/// Records arrivals and writes feedback. Each packet that arrived is told once, with its first
/// arrival; each that did not is told as lost once a later one arrived, and as arrived should it
/// still come.
#[derive(Debug)]
pub struct Recorder {
    unwrapper: Unwrapper,
    seen: Seen,
    /// Arrived and not yet told, at most [`MAX_PENDING`] of them.
    pending: Vec<Arrival>,
    /// The number after the highest that was told.
    next: Option<u64>,
    /// Of the next message.
    number: u8,
    builder: Builder,
}

#[derive(Debug, Clone, Copy)]
struct Arrival {
    sequence: u64,
    ticks: i64,
}

impl Recorder {
    /// One that has seen nothing.
    pub fn new() -> Self {
        Self {
            unwrapper: Unwrapper::new(),
            seen: Seen::new(),
            pending: Vec::new(),
            next: None,
            number: 0,
            builder: Builder::new(),
        }
    }

    /// Takes down a packet by its transport-wide sequence number. Duplicates, and what is more than
    /// 8,192 numbers late, are ignored.
    pub fn record(&mut self, sequence: u16, arrival: Time) {
        let sequence = self.unwrapper.unwrap(sequence);
        if !self.seen.insert(sequence) {
            return;
        }
        if self.pending.len() >= MAX_PENDING {
            // Nobody writes feedback. Silence about these is better than telling that they were
            // lost.
            self.pending.clear();
            self.next = None;
        }
        let ticks = (arrival.as_micros() / TICK.unsigned_abs()) as i64;
        self.pending.push(Arrival { sequence, ticks });
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Appends feedback about what arrived since the last call: one message or more, at most 1,000
    /// bytes in all; what does not fit is left for the next call, and [`Self::is_empty`] says so.
    /// Appends nothing when nothing arrived.
    pub fn write(&mut self, sender_ssrc: u32, media_ssrc: u32, out: &mut Vec<u8>) {
        self.pending
            .sort_unstable_by_key(|arrival| arrival.sequence);
        let end = out.len() + MAX_LEN;
        let mut told = 0;
        let mut count = 0;
        while let Some(rest) = self.pending.get(told..).filter(|rest| !rest.is_empty()) {
            let room = end.saturating_sub(out.len());
            let arrived = fill(&mut self.builder, rest, self.next, &self.seen, room);
            count += u64::from(self.builder.count());
            if arrived == 0 || count > MAX_COUNT {
                break;
            }
            self.builder
                .write(sender_ssrc, media_ssrc, self.number, out);
            self.number = self.number.wrapping_add(1);
            told += arrived;
            let last = self
                .pending
                .get(told - 1)
                .map(|arrival| arrival.sequence + 1);
            self.next = self.next.max(last);
        }
        self.pending.drain(..told);
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

/// Makes one message about as many of `arrivals`, in rising order, as it can say, and returns how
/// many.
fn fill(
    builder: &mut Builder,
    arrivals: &[Arrival],
    next: Option<u64>,
    seen: &Seen,
    max_len: usize,
) -> usize {
    let Some(first) = arrivals.first() else {
        return 0;
    };
    // What was lost since the last message is told too, unless it is too much to be told, or
    // nothing was told before.
    let reach = first
        .sequence
        .saturating_sub(u64::from(Builder::MAX_COUNT) - 1);
    let mut expected = next.map_or(first.sequence, |next| next.min(first.sequence));
    if expected < reach {
        expected = first.sequence;
    }
    builder.start(expected as u16, first.ticks, max_len);
    let next = next.unwrap_or(0);
    let mut count = 0;
    for arrival in arrivals {
        // Late ones lie among packets that were told as arrived: these must not be called lost.
        if (expected..arrival.sequence.min(next)).any(|told| seen.contains(told)) {
            break;
        }
        let Ok(lost) = u16::try_from(arrival.sequence - expected) else {
            break;
        };
        if !builder.push(lost, arrival.ticks) {
            break;
        }
        count += 1;
        expected = arrival.sequence + 1;
    }
    count
}

#[cfg(test)]
mod tests;
