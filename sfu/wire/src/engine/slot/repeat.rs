//! What a viewer missed of a slot, sent again: pictures under another SSRC (RFC 4588), sound as it was (RFC 4585).

use crate::command::Kind;
use crate::counters::Content;
use crate::engine::sending::{Outbound, Sending};
use crate::engine::sent::Reason;
use crate::engine::slot::{Fill, Slot, State};
use crate::engine::stream::Stream;
use crate::time::Time;

impl Slot {
    /// Sends one of our numbers again; says how often: not at all when it is no longer there or never was.
    pub fn repeat(
        &mut self,
        now: Time,
        sequence: u16,
        streams: &[Stream],
        reason: Reason,
        sending: &mut Sending,
    ) -> u64 {
        if self.section.kind == Kind::Audio {
            return match (reason, self.section.slot) {
                (Reason::Asked(rtt), slot) => self
                    .echo
                    .asked(now, sequence, rtt)
                    .map_or(0, |datagram| u64::from(sending.again(slot, datagram))),
                (Reason::Lost(_), _) => 0,
            };
        }
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
}
