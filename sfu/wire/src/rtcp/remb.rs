//! Receiver Estimated Maximum Bitrate (draft-alvestrand-rmcat-remb-03): a cap on what a sender may
//! send in all.

use super::{RtcpError, format, kind, take_ssrcs, write_feedback};

const NAME: &[u8; 4] = b"REMB";
/// The mantissa has this many bits.
const MANTISSA: u32 = 18;

/// A view of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remb<'a> {
    /// Who caps.
    pub sender: u32,
    /// Of all media together, in bit/s.
    pub bitrate: u64,
    ssrcs: &'a [[u8; 4]],
}

impl<'a> Remb<'a> {
    /// `None` where the message is some other application's.
    pub(super) fn parse(body: &'a [u8]) -> Result<Option<Self>, RtcpError> {
        let (sender, _, rest) = take_ssrcs(body)?;
        let Some((NAME, rest)) = rest.split_first_chunk() else {
            return Ok(None);
        };
        let (&[count, b0, b1, b2], rest) = rest.split_first_chunk().ok_or(RtcpError::TooShort)?;
        let (words, _) = rest.as_chunks();
        let ssrcs = words.get(..usize::from(count)).ok_or(RtcpError::TooShort)?;
        let exponent = u32::from(b0 >> 2);
        let mantissa = u64::from(u32::from_be_bytes([0, b0 & 0x03, b1, b2]));
        // The six bits of the exponent can say more than 64 bits can hold.
        let bitrate = mantissa
            .checked_mul(1 << exponent)
            .ok_or(RtcpError::Malformed)?;
        Ok(Some(Self {
            sender,
            bitrate,
            ssrcs,
        }))
    }

    /// The streams that it covers.
    pub fn ssrcs(&self) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        self.ssrcs.iter().map(|ssrc| u32::from_be_bytes(*ssrc))
    }
}

/// Appends one; what is left of the bitrate past its 18 highest bits is cut off. It names at most
/// 255 streams.
pub fn write(out: &mut Vec<u8>, sender: u32, bitrate_bps: u64, ssrcs: &[u32]) {
    let exponent = (u64::BITS - bitrate_bps.leading_zeros()).saturating_sub(MANTISSA);
    let [_, m0, m1, m2] = ((bitrate_bps >> exponent) as u32).to_be_bytes();
    let (ssrcs, _) = ssrcs.split_at(ssrcs.len().min(255));
    write_feedback(
        out,
        format::APPLICATION,
        kind::PAYLOAD,
        (sender, 0),
        |out| {
            out.extend_from_slice(NAME);
            out.extend_from_slice(&[ssrcs.len() as u8, (exponent as u8) << 2 | m0, m1, m2]);
            ssrcs
                .iter()
                .for_each(|ssrc| out.extend_from_slice(&ssrc.to_be_bytes()));
        },
    );
}
