//! Picture Loss Indication (RFC 4585, section 6.3.1): a keyframe is wanted.

use super::{RtcpError, format, kind, take_ssrcs, write_feedback};

/// The whole of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureLoss {
    /// Who asks.
    pub sender: u32,
    /// The stream.
    pub media: u32,
}

impl PictureLoss {
    pub(super) fn parse(body: &[u8]) -> Result<Self, RtcpError> {
        let (sender, media, _) = take_ssrcs(body)?;
        Ok(Self { sender, media })
    }
}

/// Appends one.
pub fn write(out: &mut Vec<u8>, sender: u32, media: u32) {
    write_feedback(
        out,
        format::PICTURE_LOSS,
        kind::PAYLOAD,
        (sender, media),
        |_| {},
    );
}
