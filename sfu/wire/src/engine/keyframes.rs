//! Requests for keyframes to publishers.

use crate::command::{Kind, PeerId, TrackId};
use crate::engine::Engine;
use crate::rtcp;
use crate::time::Time;

impl Engine {
    /// Asks a publisher for a keyframe, as often as the governor lets.
    pub(super) fn request_keyframe(&mut self, now: Time, id: TrackId) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        if track.section.kind != Kind::Video || !track.section.pli || !track.passes {
            return;
        }
        // Before the first packet there is nobody to ask; that packet, when it is no keyframe, brings us here again.
        let Some(media) = track.keyframe_ssrc() else {
            return;
        };
        if !track.governor.request(now) {
            return;
        }
        let owner = track.owner;
        self.send_keyframe_request(owner, media);
    }

    /// Sends a keyframe request that had to wait for its turn.
    pub(super) fn poll_keyframe(&mut self, now: Time, id: TrackId) {
        let Some(track) = self.tracks.get_mut(&id) else {
            return;
        };
        if let Some(media) = track.keyframe_ssrc()
            && track.governor.poll(now)
        {
            let owner = track.owner;
            self.send_keyframe_request(owner, media);
        }
    }

    fn send_keyframe_request(&mut self, owner: PeerId, media: u32) {
        let Some(peer) = self.peers.get_mut(&owner) else {
            return;
        };
        if !peer.can_send() {
            return;
        }
        let sender = peer.ssrc;
        if peer
            .sending
            .rtcp(|out| rtcp::picture_loss::write(out, sender, media))
        {
            self.counters.keyframe_requests_sent += 1;
            self.mark_dirty(owner);
        }
    }
}
