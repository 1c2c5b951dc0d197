//! A section in which a viewer receives: whatever fills it, the viewer sees one stream without a seam.
//!
//! Here is what fills it and how far the way in is open; what is done with packets is in the modules below.

mod forward;
mod recover;
mod repeat;
mod start;
mod write;

use crate::command::{SendSlot, TrackId};
use crate::engine::clock::ticks;
use crate::engine::echo::Echo;
use crate::engine::passing::Passing;
use crate::engine::sent::Sent;
use crate::engine::stream::{Mapping, Stream};
use crate::engine::track::Track;
use crate::engine::translation::Translations;
use crate::srtp::Window;
use crate::time::Time;
pub use forward::Outcome;

pub struct Slot {
    pub section: SendSlot,
    pub fill: Option<Fill>,
    /// The next extended sequence number, of the stream and of its retransmissions.
    next: u64,
    next_rtx: u64,
    /// Numbers that were used: a publisher that repeats one of its own must not make us repeat ours.
    used: Option<Window>,
    last: Option<(u32, Time)>,
    packets: u32,
    octets: u32,
    /// What can be sent again: pictures by their number, sound as it left.
    sent: Sent,
    echo: Echo,
}

/// A track and how far its way into the slot is open.
pub struct Fill {
    pub track: TrackId,
    formats: Translations,
    state: State,
}

enum State {
    /// A gate or a mute is in the way.
    Closed,
    /// Open, until a packet comes that a viewer can start with; nothing below the floor of its encoding counts.
    Waiting {
        floors: Vec<u64>,
    },
    Passing(Passing),
}

impl Slot {
    /// `start` and `start_rtx` are the first sequence numbers, extended.
    pub fn new(section: SendSlot, start: u64, start_rtx: u64) -> Self {
        Self {
            section,
            fill: None,
            next: start,
            next_rtx: start_rtx,
            used: None,
            last: None,
            packets: 0,
            octets: 0,
            sent: Sent::default(),
            echo: Echo::default(),
        }
    }

    /// Whether `section` goes on with the same streams.
    pub fn continues(&self, section: &SendSlot) -> bool {
        self.section.kind == section.kind && self.section.ssrcs().eq(section.ssrcs())
    }

    /// The numbers that follow the last ones used: an SSRC must never use one twice under the same keys (RFC 7714 section 8.2).
    pub fn numbers(&self) -> (u64, u64) {
        (self.next, self.next_rtx)
    }

    /// Nothing of what was sent is sent again.
    fn forget(&mut self) {
        self.sent.clear();
        self.echo.clear();
    }

    /// Binds a track to the section, closed.
    pub fn assign(&mut self, track: &Track) {
        self.forget();
        self.fill = Some(Fill {
            track: track.section.track,
            formats: Translations::new(&track.section.formats, &self.section),
            state: State::Closed,
        });
    }

    pub fn unassign(&mut self) {
        self.forget();
        self.fill = None;
    }

    /// Works out again which payload types stand for the same codec, after an offer of either side.
    pub fn retranslate(&mut self, track: &Track) {
        if let Some(fill) = &mut self.fill {
            fill.formats = Translations::new(&track.section.formats, &self.section);
        }
    }

    /// Nothing more passes, and nothing that passed is repeated.
    pub fn close(&mut self) {
        self.forget();
        if let Some(fill) = &mut self.fill {
            fill.state = State::Closed;
        }
    }

    /// What comes from now on may pass. Says whether it had been closed.
    pub fn open(&mut self, streams: &[Stream]) -> bool {
        match &mut self.fill {
            Some(fill) if matches!(fill.state, State::Closed) => {
                fill.state = State::Waiting {
                    floors: streams.iter().map(Stream::next).collect(),
                };
                true
            }
            _ => false,
        }
    }

    /// The encodings changed under the slot: wait for a new start.
    pub fn reopen(&mut self, streams: &[Stream]) {
        if let Some(fill) = &mut self.fill
            && !matches!(fill.state, State::Closed)
        {
            self.sent.clear();
            fill.state = State::Waiting {
                floors: streams.iter().map(Stream::next).collect(),
            };
        }
    }

    /// Open, and nothing came yet that the viewer can start with.
    pub fn is_waiting(&self) -> bool {
        self.fill.as_ref().is_some_and(|fill| {
            matches!(fill.state, State::Waiting { .. }) && !fill.formats.is_empty()
        })
    }

    /// The encoding that the viewer is shown.
    pub fn shows(&self) -> Option<usize> {
        match &self.fill.as_ref()?.state {
            State::Passing(passing) => Some(passing.encoding),
            State::Closed | State::Waiting { .. } => None,
        }
    }

    pub fn is_open(&self) -> bool {
        self.fill
            .as_ref()
            .is_some_and(|fill| !matches!(fill.state, State::Closed))
    }

    /// What a sender report says of the slot at NTP time `ntp`: timestamp, packets, octets (RFC 3550 section 6.4.1).
    /// Nothing before the publisher has told how its timestamps stand to its clock.
    pub fn report(&self, ntp: u64, track: &Track) -> Option<(u32, u32, u32)> {
        let State::Passing(passing) = &self.fill.as_ref()?.state else {
            return None;
        };
        let stream = track.streams.get(passing.encoding)?;
        let Mapping { ntp: at, rtp } = stream.mapping?;
        let clock_rate = track.section.formats.first()?.clock_rate;
        let elapsed = ticks(ntp.wrapping_sub(at) as i64, clock_rate);
        let timestamp = rtp
            .wrapping_add(elapsed as u32)
            .wrapping_add(passing.timestamp_offset);
        Some((timestamp, self.packets, self.octets))
    }
}
