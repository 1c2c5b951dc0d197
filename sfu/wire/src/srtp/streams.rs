//! The replay windows of a peer's SSRCs: few, found by a walk over their SSRCs.

use super::SrtpError;
use super::replay::Window;

/// Replay windows by SSRC, at most as many as said. They never leave while the keys live: a forgotten window would let
/// the stream's packets in a second time.
pub(super) struct Streams {
    limit: usize,
    ssrcs: Vec<u32>,
    windows: Vec<Window>,
}

/// Where an SSRC's window is, or that it has none yet.
#[derive(Clone, Copy)]
pub(super) enum Slot {
    Known(usize),
    New,
}

impl Streams {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            limit,
            ssrcs: Vec::new(),
            windows: Vec::new(),
        }
    }

    /// The slot for a packet of `ssrc`. An unknown SSRC costs no decryption once the streams are full.
    pub(super) fn find(&self, ssrc: u32) -> Result<Slot, SrtpError> {
        match self.ssrcs.iter().position(|&known| known == ssrc) {
            Some(at) => Ok(Slot::Known(at)),
            None if self.ssrcs.len() < self.limit => Ok(Slot::New),
            None => Err(SrtpError::TooManyStreams),
        }
    }

    pub(super) fn window(&self, slot: Slot) -> Option<&Window> {
        match slot {
            Slot::Known(at) => self.windows.get(at),
            Slot::New => None,
        }
    }

    /// Takes note of an authentic packet, making the window of a new stream.
    pub(super) fn accept(&mut self, slot: Slot, ssrc: u32, index: u64) {
        match slot {
            Slot::Known(at) => {
                if let Some(window) = self.windows.get_mut(at) {
                    window.accept(index);
                }
            }
            Slot::New => {
                self.ssrcs.push(ssrc);
                self.windows.push(Window::new(index));
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ssrcs.len()
    }
}
