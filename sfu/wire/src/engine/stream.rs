//! One encoding of a published track as it arrives.

use std::time::Duration;

use crate::command::Kind;
use crate::engine::history::{Entry, History};
use crate::engine::nack::{Gap, Nacks};
use crate::engine::reception::Reception;
use crate::red::Red;
use crate::seq::Unwrapper;
use crate::time::Time;

/// An encoding that sends nothing for this long, while the others go on, has stopped: browsers pause encodings as they
/// like. Where all are quiet (a screen that stands still) nothing has.
const SILENCE: Duration = Duration::from_secs(2);
/// So many packets that went missing over so long a time are an outage of the path: publishers keep about a second for
/// retransmission, and a keyframe is there sooner than all of that. Fewer may be the first of a screen that stood still.
const OUTAGE: Duration = Duration::from_secs(1);
const OUTAGE_PACKETS: u64 = 16;
/// Packets of other encodings that show that they go on.
const OTHERS: u32 = 30;

/// A publisher's sender report, its time already on our clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    pub ntp: u64,
    pub rtp: u32,
}

/// What arrived of an encoding, and what can be sent of it.
#[derive(Default)]
pub struct Stream {
    pub ssrc: Option<u32>,
    pub rtx_ssrc: Option<u32>,
    pub reception: Reception,
    pub rtx_reception: Reception,
    pub rtx_sequence: Unwrapper,
    pub nacks: Nacks,
    pub history: History,
    pub mapping: Option<Mapping>,
    sequence: Unwrapper,
    /// When the highest sequence number came, unless a frame ended with it.
    unfinished: Option<Time>,
    /// The lowest extended sequence number that came.
    lowest: u64,
    /// Nothing below this extended sequence number may pass: it was sent before the opening.
    floor: u64,
    /// When its last media came, and how many packets of other encodings since.
    heard: Option<Time>,
    others: u32,
    silent: bool,
}

/// What a sequence number means to a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    pub sequence: u64,
    pub gap: Gap,
    /// It is newer than all before.
    pub newest: bool,
    /// How often it had been asked for, where it had been missing.
    pub recovered: Option<u8>,
}

impl Stream {
    /// A stream whose SSRCs the offer named, or that packets will name.
    pub fn new(kind: Kind, ssrc: Option<u32>, rtx_ssrc: Option<u32>) -> Self {
        Self {
            ssrc,
            rtx_ssrc,
            nacks: Nacks::of(kind),
            ..Self::default()
        }
    }

    /// Places a packet among the others, where `ends` is the last of its frame; gaps become missing packets when `repair`
    /// is on.
    pub fn arrive(&mut self, now: Time, sequence: u16, ends: bool, repair: bool) -> Arrival {
        let before = self.sequence.highest();
        let sequence = self.sequence.unwrap(sequence);
        let mut gap = Gap::Repairable;
        let mut recovered = None;
        match before {
            Some(highest) if sequence > highest + 1 && repair => {
                // A frame leaves in one burst: when the next one shows that the end of the last is missing, that is late.
                let since = self.unfinished.unwrap_or(now);
                gap = if sequence - highest > OUTAGE_PACKETS && self.was_out(now) {
                    self.nacks.clear();
                    Gap::TooWide
                } else {
                    self.nacks.lost(now, since, highest + 1, sequence)
                };
            }
            Some(highest) if sequence < highest => {
                recovered = self.nacks.found(sequence);
                // The first to arrive was not the first sent: what lies between is missing too. Before the opening nothing is.
                if (self.floor..self.lowest).contains(&sequence) && repair {
                    self.nacks.lost_before(now, sequence + 1, self.lowest);
                }
            }
            _ => {}
        }
        let newest = before.is_none_or(|highest| sequence > highest);
        if newest {
            self.unfinished = (!ends).then_some(now);
        }
        self.lowest = if before.is_none() {
            sequence
        } else {
            self.lowest.min(sequence)
        };
        Arrival {
            sequence,
            gap,
            newest,
            recovered,
        }
    }

    /// The newest packet brought copies of others: those need not come themselves.
    pub fn copied(&mut self, newest: u64, red: &Red<'_>) {
        for (copy, distance) in red.copies().iter().rev().zip(1..) {
            if !copy.payload.is_empty() {
                self.nacks.found(newest.saturating_sub(distance));
            }
        }
    }

    fn was_out(&self, now: Time) -> bool {
        self.heard.is_some_and(|heard| now.since(heard) >= OUTAGE)
    }

    /// Keeps a packet for retransmission; false when it is there already.
    pub fn keep(&mut self, sequence: u64, entry: Entry, rtt: Duration) -> bool {
        if self.history.get(sequence).is_some() {
            return false;
        }
        self.history.insert(sequence, entry, rtt);
        true
    }

    /// The lowest sequence number that came wholly after this moment.
    pub fn next(&self) -> u64 {
        self.sequence.highest().map_or(0, |highest| highest + 1)
    }

    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// Media of it came.
    pub fn heard(&mut self, now: Time) {
        self.heard = Some(now);
        self.others = 0;
        self.silent = false;
    }

    /// Media of another encoding came; true when this one has stopped by that.
    pub fn missed(&mut self, now: Time) -> bool {
        let Some(heard) = self.heard.filter(|_| !self.silent) else {
            return false;
        };
        self.others += 1;
        self.silent = self.others >= OTHERS && now.since(heard) >= SILENCE;
        self.silent
    }

    /// It was sent, and is no longer.
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// The track's passage closed: nothing that came is kept or asked for again.
    pub fn close(&mut self) {
        self.nacks.clear();
        self.history.clear();
    }

    /// The track's passage opened: only what comes from here on may pass.
    pub fn open(&mut self) {
        self.close();
        self.floor = self.next();
        self.lowest = self.floor;
    }

    /// A new source in place of the old: its numbers have nothing to do with the old ones.
    pub fn restart(&mut self, kind: Kind, ssrc: u32) {
        *self = Self::new(kind, Some(ssrc), None);
    }
}
