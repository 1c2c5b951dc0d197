//! Protection of what we send to one peer.

use std::fmt;

use super::kdf::Usage;
use super::session::Session;
use super::{Profile, RTCP_HEADER, RTCP_INDEXES, RTP_HEADER, RTP_INDEXES, SrtpError};

/// Seals RTP and RTCP with one master key. The caller keeps the RTP indexes: the same (SSRC, index) must never be sealed
/// with two different contents, for both ciphers would give away the difference of them.
pub struct Sealer {
    profile: Profile,
    rtp: Session,
    rtcp: Session,
    /// The index of the next RTCP packet. One for all our SSRCs: receivers only ask that it grows within each.
    next_rtcp: u32,
}

impl Sealer {
    /// From the master key and salt of our direction (RFC 5764 section 4.2).
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        Ok(Self {
            profile,
            rtp: Session::new(profile, Usage::Rtp, key, salt)?,
            rtcp: Session::new(profile, Usage::Rtcp, key, salt)?,
            next_rtcp: 0,
        })
    }

    /// The profile it was made for.
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Seals in place the RTP packet that is `buffer[start..]`, a header of `header_len` bytes and its payload, and appends
    /// the tag: `profile.rtp_overhead()` bytes more, for which the buffer should have room.
    ///
    /// `index` is the 48-bit packet index, ROC << 16 | sequence; its sequence and `ssrc` are those in the header.
    /// On an error nothing of the packet is left in the buffer, so that it can't be sent in the clear.
    pub fn seal_rtp(
        &self,
        index: u64,
        ssrc: u32,
        header_len: usize,
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), SrtpError> {
        let sealed = if header_len < RTP_HEADER {
            Err(SrtpError::TooShort)
        } else if index >= RTP_INDEXES {
            Err(SrtpError::Exhausted)
        } else {
            self.rtp.seal_rtp(ssrc, index, header_len, buffer, start)
        };
        if sealed.is_err() {
            buffer.truncate(start);
        }
        sealed
    }

    /// Seals in place the compound RTCP packet that is `buffer[start..]` and appends `profile.rtcp_overhead()` bytes.
    /// On an error nothing of the packet is left in the buffer.
    pub fn seal_rtcp(&mut self, buffer: &mut Vec<u8>, start: usize) -> Result<(), SrtpError> {
        let sealed = self.try_seal_rtcp(buffer, start);
        if sealed.is_err() {
            buffer.truncate(start);
        }
        sealed
    }

    fn try_seal_rtcp(&mut self, buffer: &mut Vec<u8>, start: usize) -> Result<(), SrtpError> {
        if self.next_rtcp >= RTCP_INDEXES {
            return Err(SrtpError::Exhausted);
        }
        let packet = buffer.get(start..).ok_or(SrtpError::TooShort)?;
        let ssrc = rtcp_ssrc(packet).ok_or(SrtpError::TooShort)?;
        let index = self.next_rtcp;
        // Spent whatever comes of it: an index is used once.
        self.next_rtcp += 1;
        self.rtcp.seal_rtcp(ssrc, index, buffer, start)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

/// The sender's SSRC, in the part of a compound packet that stays readable.
pub(super) fn rtcp_ssrc(packet: &[u8]) -> Option<u32> {
    let (_, ssrc) = packet.first_chunk::<RTCP_HEADER>()?.split_last_chunk()?;
    Some(u32::from_be_bytes(*ssrc))
}
