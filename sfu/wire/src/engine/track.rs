//! A published camera, microphone or screen.

use std::time::Duration;

use crate::codec::Codec;
use crate::command::{EncodingName, Format, PeerId, ReceiveTrack, RoomId, SlotId};
use crate::engine::governor::Governor;
use crate::engine::loudness::Loudness;
use crate::engine::stream::Stream;
use crate::red::Red;
use crate::time::Time;

/// A track, its encodings as they arrive, and who watches it.
pub struct Track {
    pub section: ReceiveTrack,
    pub owner: PeerId,
    pub room: RoomId,
    pub streams: Vec<Stream>,
    pub governor: Governor,
    pub muted: bool,
    /// The owner's gate is open and the track is not muted.
    pub passes: bool,
    /// A packet passed since the opening.
    pub started: bool,
    pub loudness: Loudness,
    /// The longest round trip of a viewer: what is sent again must be kept for two of them.
    pub viewer_rtt: Duration,
    pub viewers: Vec<(PeerId, SlotId)>,
}

impl Track {
    pub fn new(section: ReceiveTrack, owner: PeerId, room: RoomId) -> Self {
        let mut track = Self {
            section: ReceiveTrack {
                encodings: Vec::new(),
                ..section.clone()
            },
            owner,
            room,
            streams: Vec::new(),
            governor: Governor::default(),
            muted: false,
            passes: false,
            started: false,
            loudness: Loudness::default(),
            viewer_rtt: Duration::ZERO,
            viewers: Vec::new(),
        };
        track.update(section);
        track
    }

    /// Takes over a section after a new offer; encodings that are named as before keep their state. Says whether they are
    /// others, or in another order.
    pub fn update(&mut self, section: ReceiveTrack) -> bool {
        let moved = self.section.encodings != section.encodings;
        let mut before: Vec<(EncodingName, Stream)> = std::mem::take(&mut self.section.encodings)
            .into_iter()
            .zip(std::mem::take(&mut self.streams))
            .collect();
        for name in &section.encodings {
            let kept = before.iter().position(|(old, _)| old == name);
            let stream = kept.map(|index| before.swap_remove(index).1);
            self.streams.push(
                stream.unwrap_or_else(|| Stream::new(section.kind, name.ssrc, name.rtx_ssrc)),
            );
        }
        self.section = section;
        moved
    }

    pub fn format(&self, payload_type: u8) -> Option<&Format> {
        self.section
            .formats
            .iter()
            .find(|format| format.payload_type == payload_type)
    }

    /// The format whose retransmissions have this payload type (RFC 4588).
    pub fn format_of_rtx(&self, payload_type: u8) -> Option<&Format> {
        self.section
            .formats
            .iter()
            .find(|format| format.rtx_payload_type == Some(payload_type))
    }

    /// Whether everything in redundant audio is what the section calls Opus.
    pub fn speaks(&self, red: &Red<'_>) -> bool {
        let mut blocks = red.copies().iter().chain([&red.primary]);
        blocks.all(|block| {
            self.format(block.payload_type)
                .is_some_and(|format| format.codec == Codec::Opus)
        })
    }

    /// The first encoding that is sent: in the order of the offer, so the one the publisher put first.
    pub fn preferred(&self) -> usize {
        let sent = |stream: &Stream| stream.next() > 0;
        self.streams
            .iter()
            .position(|stream| sent(stream) && !stream.is_silent())
            .or_else(|| self.streams.iter().position(sent))
            .unwrap_or(0)
    }

    /// Media of an encoding came; true when by that another has stopped.
    pub fn heard(&mut self, now: Time, encoding: usize) -> bool {
        let mut stopped = false;
        for (index, stream) in self.streams.iter_mut().enumerate() {
            if index == encoding {
                stream.heard(now);
            } else {
                stopped |= stream.missed(now);
            }
        }
        stopped
    }

    /// Where a keyframe request goes: browsers answer one on every encoding.
    pub fn keyframe_ssrc(&self) -> Option<u32> {
        self.streams
            .get(self.preferred())
            .and_then(|stream| stream.ssrc)
            .or_else(|| self.streams.iter().find_map(|stream| stream.ssrc))
    }
}
