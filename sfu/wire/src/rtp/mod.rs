//! RTP headers (RFC 3550, section 5.1) and their extensions (RFC 8285): a view of what came, a
//! writer of what goes.

mod header;
mod outgoing;
#[cfg(test)]
mod tests;

use std::fmt;

pub use header::{Extensions, Header};
pub use outgoing::{Outgoing, pad};

/// Bytes of the header without CSRCs and extension block.
const FIXED: usize = 12;
/// What a block of one-byte elements begins with (RFC 8285, section 4.2).
const ONE_BYTE: u16 = 0xBEDE;
/// What a block of two-byte elements begins with (RFC 8285, section 4.3), but for the low four
/// bits.
const TWO_BYTE: u16 = 0x1000;

/// Why a packet is no RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RtpError {
    /// Shorter than its header says.
    TooShort,
    /// Not version 2.
    Version,
    /// The padding count is zero or more than the payload.
    Padding,
}

impl fmt::Display for RtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "RTP packet shorter than its header",
            Self::Version => "not RTP version 2",
            Self::Padding => "RTP padding count out of range",
        })
    }
}

impl std::error::Error for RtpError {}

/// How loud a packet's audio is (RFC 6464).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioLevel {
    /// The encoder took it for speech.
    pub voice: bool,
    /// In -dBov: 0 is the loudest, 127 silence.
    pub level: u8,
}

/// Reads the value of the audio level extension; `None` when it is empty.
pub fn audio_level(value: &[u8]) -> Option<AudioLevel> {
    let &byte = value.first()?;
    Some(AudioLevel {
        voice: byte & 0x80 != 0,
        level: byte & 0x7F,
    })
}
