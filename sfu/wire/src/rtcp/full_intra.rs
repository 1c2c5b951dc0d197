//! Full Intra Request (RFC 5104, section 4.3.1): a keyframe is wanted, the older way.

use super::{RtcpError, format, kind, take_ssrcs, write_feedback};

/// A view of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FullIntra<'a> {
    /// Who asks.
    pub sender: u32,
    entries: &'a [[u8; 8]],
}

impl<'a> FullIntra<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, RtcpError> {
        // The media SSRC of the header is unused: each entry names its own.
        let (sender, _, rest) = take_ssrcs(body)?;
        let (entries, _) = rest.as_chunks();
        if entries.is_empty() {
            return Err(RtcpError::TooShort);
        }
        Ok(Self { sender, entries })
    }

    /// The streams with the number of the request: the same number again is the same request
    /// repeated.
    pub fn requests(&self) -> impl ExactSizeIterator<Item = (u32, u8)> + use<'a> {
        self.entries.iter().map(|&[s0, s1, s2, s3, number, ..]| {
            let ssrc = u32::from_be_bytes([s0, s1, s2, s3]);
            (ssrc, number)
        })
    }
}

/// Appends one for one stream.
pub fn write(out: &mut Vec<u8>, sender: u32, media: u32, number: u8) {
    write_feedback(out, format::FULL_INTRA, kind::PAYLOAD, (sender, 0), |out| {
        out.extend_from_slice(&media.to_be_bytes());
        out.extend_from_slice(&[number, 0, 0, 0]);
    });
}
