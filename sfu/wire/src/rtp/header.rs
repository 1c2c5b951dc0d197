//! A view of the header of a packet that came.

use super::{FIXED, ONE_BYTE, RtpError, TWO_BYTE};

/// The header of one packet. It stays valid for the packet it was parsed from, also after
/// decryption in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// For video the last packet of a frame, for audio the first after silence.
    pub marker: bool,
    /// 0 to 127; what it means was negotiated.
    pub payload_type: u8,
    /// As on the wire; see [`crate::seq::Unwrapper`].
    pub sequence: u16,
    /// In units of the codec's clock rate.
    pub timestamp: u32,
    /// The stream.
    pub ssrc: u32,
    /// The payload ends in padding; [`Header::payload`] takes it off.
    pub padding: bool,
    /// Of the whole header in bytes: fixed part, CSRCs and extension block. The payload begins
    /// here.
    pub len: usize,
    extension: Option<Block>,
}

/// Where the extension elements are in the packet, and in which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    profile: u16,
    start: usize,
}

impl Header {
    /// Reads the header, encrypted payload or not. The padding count is the payload's last byte, so
    /// it is checked by [`Header::payload`], once decrypted.
    pub fn parse(packet: &[u8]) -> Result<Self, RtpError> {
        let fixed: &[u8; FIXED] = packet.first_chunk().ok_or(RtpError::TooShort)?;
        let &[first, second, s0, s1, t0, t1, t2, t3, i0, i1, i2, i3] = fixed;
        if first >> 6 != 2 {
            return Err(RtpError::Version);
        }
        let mut len = FIXED + 4 * usize::from(first & 0x0F);
        let mut extension = None;
        if first & 0x10 != 0 {
            let preamble = packet.get(len..).and_then(|rest| rest.first_chunk::<4>());
            let &[p0, p1, l0, l1] = preamble.ok_or(RtpError::TooShort)?;
            extension = Some(Block {
                profile: u16::from_be_bytes([p0, p1]),
                start: len + 4,
            });
            len += 4 + 4 * usize::from(u16::from_be_bytes([l0, l1]));
        }
        if packet.len() < len {
            return Err(RtpError::TooShort);
        }
        Ok(Self {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7F,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([i0, i1, i2, i3]),
            padding: first & 0x20 != 0,
            len,
            extension,
        })
    }

    /// The extension elements in their order. `packet` is the one that was parsed.
    pub fn extensions<'a>(&self, packet: &'a [u8]) -> Extensions<'a> {
        let none = Extensions {
            rest: &[],
            form: Form::OneByte,
        };
        let Some(block) = self.extension else {
            return none;
        };
        let form = match block.profile {
            ONE_BYTE => Form::OneByte,
            // The low four bits are for the application (RFC 8285, section 4.3).
            profile if profile & 0xFFF0 == TWO_BYTE => Form::TwoByte,
            _ => return none,
        };
        let rest = packet.get(block.start..self.len).unwrap_or_default();
        Extensions { rest, form }
    }

    /// The payload without padding: empty when there is nothing but padding. `packet` is the one
    /// that was parsed, decrypted and cut to its plain length.
    pub fn payload<'a>(&self, packet: &'a [u8]) -> Result<&'a [u8], RtpError> {
        let payload = packet.get(self.len..).ok_or(RtpError::TooShort)?;
        if !self.padding {
            return Ok(payload);
        }
        let count = usize::from(*payload.last().ok_or(RtpError::Padding)?);
        if count == 0 {
            return Err(RtpError::Padding);
        }
        let plain = payload.len().checked_sub(count).ok_or(RtpError::Padding)?;
        payload.get(..plain).ok_or(RtpError::Padding)
    }
}

#[derive(Debug, Clone, Copy)]
enum Form {
    OneByte,
    TwoByte,
}

/// Extension elements as (id, value) (RFC 8285, sections 4.2 and 4.3). It ends at the first element
/// that reaches past the block.
#[derive(Debug, Clone)]
pub struct Extensions<'a> {
    rest: &'a [u8],
    form: Form,
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.rest);
        let padding = rest.iter().take_while(|&&byte| byte == 0).count();
        let rest = rest.get(padding..)?;
        let (id, len, rest) = match (self.form, rest) {
            // Id 15 ends the block; id 0 is padding only as a zero byte, else nonsense.
            (Form::OneByte, [first, ..]) if matches!(first >> 4, 0 | 15) => return None,
            (Form::OneByte, [first, rest @ ..]) => {
                (first >> 4, usize::from(first & 0x0F) + 1, rest)
            }
            (Form::TwoByte, [id, len, rest @ ..]) => (*id, usize::from(*len), rest),
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(len)?;
        self.rest = rest;
        Some((id, value))
    }
}
