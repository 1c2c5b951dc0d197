//! A packet of a track on its way to viewers.

use crate::red::Red;

/// What all its viewers share of it; each gets a header of its own.
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
