//! Datagrams: what is answered, what goes up to the node, what goes on to viewers.

use crate::command::PeerId;
use crate::counters::Content;
use crate::demux;
use crate::engine::{Engine, timers};
use crate::rtp::{Header, audio_level};
use crate::srtp::SrtpError;
use crate::time::Time;
use crate::tuple::Tuple;

impl Engine {
    /// Takes a datagram in; it is decrypted in place.
    pub fn receive(&mut self, now: Time, tuple: Tuple, datagram: &mut [u8]) {
        self.counters.datagrams_received += 1;
        self.counters.bytes_received += datagram.len() as u64;
        // Nothing can be sent to port 0, and the error that the system gives for it looks as if it lacked segmentation
        // offload: one such address would slow down everybody.
        if tuple.remote.port() == 0 {
            self.counters.dropped_unknown += 1;
            return;
        }
        match demux::classify(datagram) {
            demux::Kind::Stun => {
                self.counters.received(Content::Stun, datagram.len());
                self.receive_stun(now, tuple, datagram);
            }
            demux::Kind::Unknown => self.counters.dropped_unknown += 1,
            kind => match self.tuples.get(&tuple) {
                None => self.counters.dropped_unvalidated += 1,
                Some(&peer) => match kind {
                    demux::Kind::Dtls => {
                        self.counters.received(Content::Dtls, datagram.len());
                        self.receive_dtls(peer, datagram);
                    }
                    demux::Kind::Rtp => self.receive_rtp(now, peer, datagram),
                    _ => {
                        self.counters.received(Content::Rtcp, datagram.len());
                        self.receive_rtcp(now, peer, datagram);
                    }
                },
            },
        }
    }

    fn receive_rtp(&mut self, now: Time, id: PeerId, datagram: &mut [u8]) {
        let size = datagram.len();
        let Ok(header) = Header::parse(datagram) else {
            self.counters.dropped_malformed += 1;
            return;
        };
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let Some(opener) = &mut peer.opener else {
            self.counters.dropped_no_keys += 1;
            return;
        };
        let opened = match opener.open_rtp(datagram, header.len, header.ssrc, header.sequence) {
            Ok(opened) => opened,
            Err(error) => {
                self.count_srtp(error);
                return;
            }
        };
        let Some(packet) = datagram.get(..opened.len) else {
            return;
        };
        let Ok(payload) = header.payload(packet) else {
            self.counters.dropped_malformed += 1;
            return;
        };
        self.counters.rtp_received += 1;
        let mut level = None;
        for (extension, value) in header.extensions(packet) {
            if peer.extensions.transport_cc == Some(extension)
                && let Ok(sequence) = <[u8; 2]>::try_from(value)
            {
                peer.arrivals.record(u16::from_be_bytes(sequence), now);
                if peer.feedback_at.is_none() {
                    peer.feedback_at = Some(now + timers::FEEDBACK);
                }
            } else if peer.extensions.audio_level == Some(extension) && audio_level(value).is_some()
            {
                level = value.first().copied();
            }
        }
        if peer.feedback_at.is_none() && peer.sign_at.is_none() {
            peer.sign_at = Some(now + timers::SIGN);
        }
        let binding = match peer.bindings.get(&header.ssrc) {
            Some(&binding) => Some(binding),
            None => self.bind(now, id, &header, packet),
        };
        self.reschedule(id);
        let Some(binding) = binding else {
            self.counters.dropped_unknown_stream += 1;
            return;
        };
        let content = match self.tracks.get(&binding.track) {
            _ if binding.repair => Content::Repair,
            Some(track) => track.section.kind.into(),
            None => return,
        };
        self.counters.received(content, size);
        if binding.repair {
            self.receive_repair(now, id, binding, &header, payload);
        } else {
            self.receive_media(now, id, binding, &header, payload, level);
        }
    }

    pub(super) fn count_srtp(&mut self, error: SrtpError) {
        match error {
            SrtpError::Replay | SrtpError::TooOld => self.counters.dropped_replay += 1,
            SrtpError::TooShort => self.counters.dropped_malformed += 1,
            _ => self.counters.dropped_auth += 1,
        }
    }
}
