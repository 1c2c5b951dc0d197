//! Whose an SSRC is that no offer named, told by its own packets.

use crate::command::{PeerId, TrackId};
use crate::engine::Engine;
use crate::engine::peer::Binding;
use crate::rtp::Header;
use crate::time::Time;

/// SSRCs of one peer: 128 sections with their retransmissions would be 256, browsers use a dozen.
const MOST_BINDINGS: usize = 256;

impl Engine {
    /// Finds whose an SSRC is by the MID, RID and repaired RID that browsers put on a stream's first packets (RFC 8843, 8852),
    /// else by a payload type that only one section has.
    pub(super) fn bind(
        &mut self,
        now: Time,
        id: PeerId,
        header: &Header,
        packet: &[u8],
    ) -> Option<Binding> {
        let peer = self.peers.get_mut(&id)?;
        if peer.bindings.len() >= MOST_BINDINGS {
            return None;
        }
        let (mut mid, mut rid, mut repaired) = (None, None, None);
        for (extension, value) in header.extensions(packet) {
            let extension = Some(extension);
            if extension == peer.extensions.mid {
                mid = Some(value);
            } else if extension == peer.extensions.rid {
                rid = Some(value);
            } else if extension == peer.extensions.repaired_rid {
                repaired = Some(value);
            }
        }
        let pt = header.payload_type;
        let carries = |id: &&TrackId| {
            self.tracks.get(id).is_some_and(|track| {
                track.format(pt).is_some() || track.format_of_rtx(pt).is_some()
            })
        };
        let track = match mid {
            Some(mid) => {
                let named = |id: &&TrackId| {
                    self.tracks
                        .get(id)
                        .is_some_and(|track| track.section.mid.as_bytes() == mid)
                };
                *peer.tracks.iter().find(named)?
            }
            None => {
                let mut candidates = peer.tracks.iter().filter(carries);
                let only = *candidates.next()?;
                if candidates.next().is_some() {
                    return None;
                }
                only
            }
        };
        let found = self.tracks.get_mut(&track)?;
        let repair = repaired.is_some() || found.format_of_rtx(pt).is_some();
        if !repair && found.format(pt).is_none() {
            return None;
        }
        let names = &found.section.encodings;
        let encoding = match repaired.or(rid) {
            Some(rid) => names.iter().position(|name| {
                name.rid
                    .as_ref()
                    .is_some_and(|known| known.as_bytes() == rid)
            })?,
            None if names.len() == 1 && names.first().is_some_and(|name| name.rid.is_none()) => 0,
            None => return None,
        };
        // An SSRC that the offer named is not taken over by a packet.
        let name = names.get(encoding)?;
        let stream = found.streams.get_mut(encoding)?;
        let mut restarted = false;
        if repair {
            if name.rtx_ssrc.is_some() {
                return None;
            }
            stream.rtx_ssrc = Some(header.ssrc);
        } else {
            if name.ssrc.is_some() {
                return None;
            }
            if stream.ssrc.is_some() {
                stream.restart(found.section.kind, header.ssrc);
                restarted = true;
                self.reopen_viewers(track, |shown| shown == encoding);
                self.request_keyframe(now, track);
            } else {
                stream.ssrc = Some(header.ssrc);
            }
        }
        let binding = Binding {
            track,
            encoding,
            repair,
        };
        let peer = self.peers.get_mut(&id)?;
        // A new source brings its own retransmissions: those of the old one would mean other packets of the new.
        peer.bindings.retain(|_, old| {
            (repair != old.repair && !restarted) || old.track != track || old.encoding != encoding
        });
        peer.bindings.insert(header.ssrc, binding);
        Some(binding)
    }
}
