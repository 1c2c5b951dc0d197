//! A section in which a viewer receives: whatever fills it, the viewer sees one stream without a seam.

use std::time::Duration;

use crate::command::{SendSlot, TrackId};
use crate::counters::Content;
use crate::engine::clock::ticks;
use crate::engine::passing::Passing;
use crate::engine::sending::{Outbound, Sending};
use crate::engine::sent::{Reason, Sent};
use crate::engine::stream::{Mapping, Stream};
use crate::engine::track::Track;
use crate::engine::translation::{Translations, Way};
use crate::red::Red;
use crate::srtp::Window;
use crate::time::Time;

/// Numbers that may be left out at once, as many as a publisher can be asked for. A viewer that misses some packets around
/// a jump of half the sequence space loses count of the roll-overs for good (RFC 3711 section 3.3.1), and with it the
/// section, whoever fills it next: a wider gap is closed, at the price of a keyframe.
const MOST_GAP: u64 = 512;

/// A packet of a track on its way to viewers.
#[derive(Clone, Copy)]
pub struct Packet<'a> {
    pub encoding: usize,
    /// Extended sequence number at the publisher.
    pub sequence: u64,
    pub timestamp: u32,
    pub payload_type: u8,
    pub clock_rate: u32,
    pub marker: bool,
    /// It is where a viewer can start: a keyframe's first packet, any packet of audio.
    pub starts: bool,
    pub audio_level: Option<u8>,
    /// Without padding; empty for a packet of nothing else.
    pub payload: &'a [u8],
    /// The payload taken apart, where it is redundant audio.
    pub red: Option<&'a Red<'a>>,
}

/// What a viewer's section did with a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Sent, this many packets (a late start of a keyframe brings what had followed it).
    Sent(u64),
    /// Padding that leaves no gap.
    Absorbed,
    /// The viewer can't start before a keyframe.
    NeedsKeyframe,
    /// Sent before the opening.
    Old,
    /// Of an encoding that the viewer is not shown.
    Other,
    /// The viewer's section lacks the codec.
    NoCodec,
    Closed,
}

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
    sent: Sent,
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

    /// Binds a track to the section, closed.
    pub fn assign(&mut self, track: &Track) {
        self.sent.clear();
        self.fill = Some(Fill {
            track: track.section.track,
            formats: Translations::new(&track.section.formats, &self.section),
            state: State::Closed,
        });
    }

    pub fn unassign(&mut self) {
        self.sent.clear();
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
        self.sent.clear();
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

    /// A gap too wide to be passed on: the slot waits for a new start, which may be this very packet.
    fn bridge(&mut self, packet: &Packet<'_>, track: &Track) {
        if let Some(fill) = &mut self.fill
            && let State::Passing(passing) = &fill.state
            && packet.encoding == passing.encoding
            && passing
                .translate(packet.sequence)
                .is_some_and(|ours| ours > self.next + MOST_GAP)
        {
            self.sent.clear();
            let mut floors: Vec<u64> = track.streams.iter().map(Stream::next).collect();
            if let Some(floor) = floors.get_mut(packet.encoding) {
                *floor = packet.sequence;
            }
            fill.state = State::Waiting { floors };
        }
    }

    pub fn is_open(&self) -> bool {
        self.fill
            .as_ref()
            .is_some_and(|fill| !matches!(fill.state, State::Closed))
    }

    /// Writes a packet of the slot's track as the viewer is to see it.
    pub fn forward(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        track: &Track,
        rtt: Duration,
        sending: &mut Sending,
    ) -> Outcome {
        self.bridge(packet, track);
        let Some(fill) = &mut self.fill else {
            return Outcome::Closed;
        };
        match &mut fill.state {
            State::Closed => Outcome::Closed,
            State::Waiting { floors } => {
                if packet.encoding != track.preferred() {
                    return Outcome::Other;
                }
                // No keyframe helps a viewer without the codec.
                if fill.formats.find(packet.payload_type).is_none() {
                    return Outcome::NoCodec;
                }
                if !packet.starts || packet.payload.is_empty() {
                    return Outcome::NeedsKeyframe;
                }
                if floors
                    .get(packet.encoding)
                    .is_some_and(|floor| packet.sequence < *floor)
                {
                    return Outcome::Old;
                }
                self.start(now, packet);
                let marked = Packet {
                    // A viewer's jitter buffer may adapt at the start of a talk spurt (RFC 3551 section 4.1).
                    marker: packet.marker || track.section.kind == crate::command::Kind::Audio,
                    ..*packet
                };
                let mut sent = u64::from(self.write(now, &marked, rtt, sending));
                sent += self.catch_up(now, packet, track, rtt, sending);
                Outcome::Sent(sent)
            }
            State::Passing(passing) => {
                if packet.encoding != passing.encoding {
                    return Outcome::Other;
                }
                if packet.sequence < passing.first {
                    return Outcome::Old;
                }
                if packet.payload.is_empty() && packet.sequence == passing.newest + 1 {
                    passing.absorb(packet.sequence);
                    return Outcome::Absorbed;
                }
                if fill.formats.find(packet.payload_type).is_none() {
                    // Left out here they would be missing to the viewer, who would ask for them.
                    self.reopen(&track.streams);
                    return Outcome::NoCodec;
                }
                let recovered = self.recover(now, packet, rtt, sending);
                match self.write(now, packet, rtt, sending) {
                    true => Outcome::Sent(recovered + 1),
                    false if recovered > 0 => Outcome::Sent(recovered),
                    false => Outcome::Old,
                }
            }
        }
    }

    /// The viewer gets what is missing out of the packet's copies, each under the number and the time that it would have had:
    /// one who reads redundant audio as well, whose own link may lose the packet with the copy.
    fn recover(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        rtt: Duration,
        sending: &mut Sending,
    ) -> u64 {
        let Some(red) = packet.red else {
            return 0;
        };
        let mut sent = 0;
        for (distance, copy) in (1..=red.copies().len() as u64).rev().zip(red.copies()) {
            let Some(Fill {
                state: State::Passing(passing),
                ..
            }) = &self.fill
            else {
                break;
            };
            let Some(sequence) = packet.sequence.checked_sub(distance) else {
                continue;
            };
            let timestamp = packet.timestamp.wrapping_sub(u32::from(copy.age));
            let missing = passing
                .translate(sequence)
                .is_some_and(|ours| ours >= self.next);
            // A publisher that made a packet of which no copy was taken shifts the numbers of those before it.
            let ours = timestamp.wrapping_add(passing.timestamp_offset);
            let follows = self
                .last
                .is_none_or(|(last, _)| (ours.wrapping_sub(last) as i32) > 0);
            if missing
                && follows
                && !copy.payload.is_empty()
                && passing.is_after_start(sequence, timestamp)
            {
                let recovered = Packet {
                    sequence,
                    timestamp,
                    payload_type: copy.payload_type,
                    marker: false,
                    payload: copy.payload,
                    red: None,
                    ..*packet
                };
                sent += u64::from(self.write(now, &recovered, rtt, sending));
            }
        }
        sent
    }

    /// Packets that came before the keyframe's late first one, but follow it.
    fn catch_up(
        &mut self,
        now: Time,
        first: &Packet<'_>,
        track: &Track,
        rtt: Duration,
        sending: &mut Sending,
    ) -> u64 {
        let Some(stream) = track.streams.get(first.encoding) else {
            return 0;
        };
        let mut sent = 0;
        for (sequence, entry) in stream.history.after(first.sequence) {
            let packet = Packet {
                sequence,
                timestamp: entry.timestamp,
                payload_type: entry.payload_type,
                marker: entry.marker,
                starts: entry.keyframe,
                audio_level: entry.audio_level,
                payload: &entry.payload,
                ..*first
            };
            sent += u64::from(self.write(now, &packet, rtt, sending));
        }
        sent
    }

    /// Joins a source to what the viewer saw last: numbers without a gap, the timestamp further by the time that passed.
    fn start(&mut self, now: Time, packet: &Packet<'_>) {
        let timestamp = match self.last {
            Some((last, at)) => {
                let elapsed = now.since(at).as_micros() * u128::from(packet.clock_rate) / 1_000_000;
                last.wrapping_add((elapsed as u32).max(1))
            }
            None => packet.timestamp,
        };
        if let Some(fill) = &mut self.fill {
            let offset = timestamp.wrapping_sub(packet.timestamp);
            let passing = Passing::new(packet.encoding, packet.sequence, self.next, offset)
                .begun_at(packet.timestamp);
            fill.state = State::Passing(passing);
        }
    }

    fn write(
        &mut self,
        now: Time,
        packet: &Packet<'_>,
        rtt: Duration,
        sending: &mut Sending,
    ) -> bool {
        let Some(Fill {
            formats,
            state: State::Passing(passing),
            ..
        }) = &mut self.fill
        else {
            return false;
        };
        let Some(format) = formats.find(packet.payload_type) else {
            return false;
        };
        let (payload_type, payload) = match (format.way, packet.red) {
            (Way::Same(to), _) => (to, packet.payload),
            (Way::Redundant { red, plain }, Some(parts)) => {
                // What was said before the opening stays behind it, as a copy too.
                let oldest = parts.copies().iter().map(|copy| copy.age).max();
                let since = packet
                    .timestamp
                    .wrapping_sub(u32::from(oldest.unwrap_or(0)));
                match red.filter(|_| passing.is_after_start(packet.sequence, since)) {
                    Some(red) => (red, packet.payload),
                    None => (plain, parts.primary.payload),
                }
            }
            (Way::Redundant { .. }, None) => return false,
        };
        let Some(sequence) = passing.translate(packet.sequence) else {
            return false;
        };
        match &mut self.used {
            Some(used) if used.check(sequence).is_err() => return false,
            Some(used) => used.accept(sequence),
            None => self.used = Some(Window::new(sequence)),
        }
        let timestamp = packet.timestamp.wrapping_add(passing.timestamp_offset);
        let outbound = Outbound {
            slot: self.section.slot,
            content: self.section.kind.into(),
            payload_type,
            sequence,
            timestamp,
            ssrc: self.section.ssrc,
            marker: packet.marker,
            audio_level: packet.audio_level,
            original: None,
            payload,
        };
        if !sending.rtp(now, &outbound, &self.section.extensions) {
            return false;
        }
        passing.newest = passing.newest.max(packet.sequence);
        if sequence >= self.next {
            self.next = sequence + 1;
            self.last = Some((timestamp, now));
        }
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload.len() as u32);
        if self.section.rtx_ssrc.is_some() {
            self.sent.record(now, sequence, packet.sequence, rtt);
        }
        true
    }

    /// Sends one of our numbers again (RFC 4588); says how often: not at all when it is no longer there or never was.
    pub fn repeat(
        &mut self,
        now: Time,
        sequence: u16,
        streams: &[Stream],
        reason: Reason,
        sending: &mut Sending,
    ) -> u64 {
        let Some(Fill {
            formats,
            state: State::Passing(passing),
            ..
        }) = &self.fill
        else {
            return 0;
        };
        let Some(ssrc) = self.section.rtx_ssrc else {
            return 0;
        };
        let Some((source, copies)) = self.sent.repeat(now, sequence, reason) else {
            return 0;
        };
        let entry = streams
            .get(passing.encoding)
            .and_then(|stream| stream.history.get(source));
        let Some(entry) = entry else {
            return 0;
        };
        let format = formats.find(entry.payload_type);
        let Some(payload_type) = format.and_then(|format| format.rtx) else {
            return 0;
        };
        let mut outbound = Outbound {
            slot: self.section.slot,
            content: Content::Repair,
            payload_type,
            sequence: self.next_rtx,
            timestamp: entry.timestamp.wrapping_add(passing.timestamp_offset),
            ssrc,
            marker: entry.marker,
            audio_level: entry.audio_level,
            original: Some(sequence),
            payload: &entry.payload,
        };
        let mut sent = 0;
        for _ in 0..copies {
            outbound.sequence = self.next_rtx;
            if !sending.rtp(now, &outbound, &self.section.extensions) {
                break;
            }
            self.next_rtx += 1;
            sent += 1;
        }
        sent
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
