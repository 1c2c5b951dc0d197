//! Sound that was lost on its way to us, out of the copies that later packets bring of it (RFC 2198).

use std::time::Duration;

use crate::engine::packet::Packet;
use crate::engine::sending::Sending;
use crate::engine::slot::{Fill, Slot, State};
use crate::time::Time;

impl Slot {
    /// The viewer gets what is missing out of the packet's copies, each under the number and the time that it would have had:
    /// one who reads redundant audio as well, whose own link may lose the packet with the copy.
    pub(super) fn recover(
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
}
