//! How a packet goes out in a slot: under numbers of the slot's own, of which none is used twice.

use std::time::Duration;

use crate::command::Kind;
use crate::engine::packet::Packet;
use crate::engine::sending::{Outbound, Sending};
use crate::engine::slot::{Fill, Slot, State};
use crate::engine::translation::Way;
use crate::srtp::Window;
use crate::time::Time;

impl Slot {
    /// Says whether it went out: nothing does before a start, and nothing twice.
    pub(super) fn write(
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
        match self.section.kind {
            Kind::Audio => self.echo.keep(now, sequence, sending.outbox.last()),
            Kind::Video if self.section.rtx_ssrc.is_some() => {
                self.sent.record(now, sequence, packet.sequence, rtt);
            }
            Kind::Video => {}
        }
        true
    }
}
