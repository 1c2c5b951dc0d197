//! Goodbyes (RFC 3550, section 6.6). Some browsers send one for a paused encoding.

use super::{MAX_COUNT, RtcpError, kind};

/// A view of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goodbye<'a> {
    ssrcs: &'a [[u8; 4]],
}

impl<'a> Goodbye<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        // A reason for leaving may follow.
        let (words, _) = body.as_chunks();
        let ssrcs = words.get(..usize::from(count)).ok_or(RtcpError::TooShort)?;
        Ok(Self { ssrcs })
    }

    /// The streams that end.
    pub fn ssrcs(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        self.ssrcs.iter().map(|ssrc| u32::from_be_bytes(*ssrc))
    }
}

/// Appends one without a reason; as many as it takes for more than 31.
pub fn write(out: &mut Vec<u8>, ssrcs: &[u32]) {
    for ssrcs in ssrcs.chunks(MAX_COUNT) {
        super::write(out, ssrcs.len() as u8, kind::GOODBYE, |out| {
            ssrcs
                .iter()
                .for_each(|ssrc| out.extend_from_slice(&ssrc.to_be_bytes()));
        });
    }
}
