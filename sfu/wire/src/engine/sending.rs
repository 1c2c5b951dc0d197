//! How packets to one peer are written: header anew, sealed straight into the outbox.

use crate::command::{Extensions, SlotId};
use crate::counters::Content;
use crate::engine::clock::NtpClock;
use crate::engine::dispatch::{Dispatched, Dispatches};
use crate::engine::outbox::Outbox;
use crate::rtp::Outgoing;
use crate::srtp::Sealer;
use crate::time::Time;

/// Bytes that may wait for one turn's end. A flood from a publisher is cut here like on a link that is full.
const MOST_QUEUED: usize = 1 << 20;

/// The sending half of a peer's transport.
pub struct Sending {
    pub sealer: Option<Sealer>,
    pub outbox: Outbox,
    pub dispatches: Dispatches,
    clock: NtpClock,
    transport_sequence: u16,
}

/// A packet as the viewer gets it.
pub struct Outbound<'a> {
    /// The slot that it is sent in.
    pub slot: SlotId,
    pub content: Content,
    pub payload_type: u8,
    /// Extended sequence number: roll-over counter and sequence in one.
    pub sequence: u64,
    pub timestamp: u32,
    pub ssrc: u32,
    pub marker: bool,
    pub audio_level: Option<u8>,
    /// The original sequence number that a retransmission starts with (RFC 4588 section 4).
    pub original: Option<u16>,
    pub payload: &'a [u8],
}

impl Sending {
    pub fn new(clock: NtpClock) -> Self {
        Self {
            sealer: None,
            outbox: Outbox::default(),
            dispatches: Dispatches::default(),
            clock,
            transport_sequence: 0,
        }
    }

    /// Queues a packet; false when there are no keys, no room, or the packet can't be sealed.
    pub fn rtp(&mut self, now: Time, packet: &Outbound<'_>, extensions: &Extensions) -> bool {
        let Some(sealer) = &self.sealer else {
            return false;
        };
        if self.outbox.bytes.len() > MOST_QUEUED {
            return false;
        }
        let transport = self.transport_sequence.to_be_bytes();
        let sent = self.clock.abs_send_time(now);
        let level = packet.audio_level.map(|level| [level]);
        let mut values: [(u8, &[u8]); 3] = [(0, &[]); 3];
        let mut count = 0;
        let offered: [(Option<u8>, Option<&[u8]>); 3] = [
            (extensions.transport_cc, Some(&transport)),
            (extensions.abs_send_time, Some(&sent)),
            (
                extensions.audio_level,
                level.as_ref().map(<[u8; 1]>::as_slice),
            ),
        ];
        for (id, value) in offered {
            if let (Some(id), Some(value), Some(place)) = (id, value, values.get_mut(count)) {
                *place = (id, value);
                count += 1;
            }
        }
        let start = self.outbox.start();
        let header = Outgoing {
            marker: packet.marker,
            payload_type: packet.payload_type,
            sequence: packet.sequence as u16,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
            extensions: values.get(..count).unwrap_or_default(),
            // The set of extensions is the section's and the track's: the block has one size for all packets of both.
            extension_block: 0,
        };
        let header_len = header.write(&mut self.outbox.bytes);
        if let Some(original) = packet.original {
            self.outbox.bytes.extend_from_slice(&original.to_be_bytes());
        }
        self.outbox.bytes.extend_from_slice(packet.payload);
        match sealer.seal_rtp(
            packet.sequence,
            packet.ssrc,
            header_len,
            &mut self.outbox.bytes,
            start,
        ) {
            Ok(()) => {
                self.outbox.commit(start, packet.content, Some(packet.slot));
                if extensions.transport_cc.is_some() {
                    let sequence = match packet.content {
                        Content::Video => Some(packet.sequence as u16),
                        _ => packet.original,
                    };
                    if let Some(sequence) = sequence {
                        let dispatched = Dispatched {
                            slot: packet.slot,
                            sequence,
                            at: now,
                        };
                        self.dispatches.note(self.transport_sequence, dispatched);
                    }
                    self.transport_sequence = self.transport_sequence.wrapping_add(1);
                }
                true
            }
            Err(_) => {
                self.outbox.abort(start);
                false
            }
        }
    }

    /// Queues a datagram of a slot again, as it left before; false when there is no room.
    pub fn again(&mut self, slot: SlotId, datagram: &[u8]) -> bool {
        if self.outbox.bytes.len() > MOST_QUEUED {
            return false;
        }
        let start = self.outbox.start();
        self.outbox.bytes.extend_from_slice(datagram);
        self.outbox.commit(start, Content::Repair, Some(slot));
        true
    }

    /// Queues what `write` appends as one RTCP datagram; nothing when it appends nothing.
    pub fn rtcp(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        let Some(sealer) = &mut self.sealer else {
            return false;
        };
        let start = self.outbox.start();
        write(&mut self.outbox.bytes);
        if self.outbox.bytes.len() == start
            || sealer.seal_rtcp(&mut self.outbox.bytes, start).is_err()
        {
            self.outbox.abort(start);
            return false;
        }
        self.outbox.commit(start, Content::Rtcp, None);
        true
    }
}
