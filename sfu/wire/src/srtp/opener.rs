//! Opening of what one peer sends: authenticity, then order and novelty.

use std::fmt;

use super::kdf::Usage;
use super::sealer::rtcp_ssrc;
use super::session::Session;
use super::streams::Streams;
use super::{E_BIT, Profile, RTP_HEADER, RTP_INDEXES, SrtpError};

/// How many SSRCs of a peer have state, for RTP and RTCP each. Generous, since a stream's state stays as long as the keys,
/// every screen shared anew is a new SSRC or two, and some browsers report on each received stream under an SSRC of its own.
pub const MAX_STREAMS: usize = 256;

/// An RTP packet that is authentic and new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Bytes of the plain packet, header and payload; what follows them in the buffer has no meaning.
    pub len: usize,
    /// The 48-bit packet index: ROC << 16 | sequence.
    pub index: u64,
}

/// Opens RTP and RTCP sealed with one master key. State is per SSRC, made and changed by authentic packets only.
pub struct Opener {
    profile: Profile,
    rtp: Session,
    rtcp: Session,
    rtp_streams: Streams,
    rtcp_streams: Streams,
}

impl Opener {
    /// From the master key and salt of the peer's direction (RFC 5764 section 4.2).
    pub fn new(profile: Profile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        Ok(Self {
            profile,
            rtp: Session::new(profile, Usage::Rtp, key, salt)?,
            rtcp: Session::new(profile, Usage::Rtcp, key, salt)?,
            rtp_streams: Streams::new(MAX_STREAMS),
            rtcp_streams: Streams::new(MAX_STREAMS),
        })
    }

    /// The profile it was made for.
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// Opens in place the RTP packet that is all of `packet`; `header_len`, `ssrc` and `sequence` are those of its header.
    ///
    /// On an error no state has changed. After `Auth` the payload's bytes have no meaning.
    pub fn open_rtp(
        &mut self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        sequence: u16,
    ) -> Result<Opened, SrtpError> {
        if header_len < RTP_HEADER {
            return Err(SrtpError::TooShort);
        }
        let slot = self.rtp_streams.find(ssrc)?;
        let index = match self.rtp_streams.window(slot) {
            Some(window) => {
                let index = estimate(window.highest(), sequence).ok_or(SrtpError::Exhausted)?;
                window.check(index)?;
                index
            }
            // Roll-over counters start at zero with the keys (RFC 3711 section 3.3.1).
            None => u64::from(sequence),
        };
        let len = self.rtp.open_rtp(ssrc, index, header_len, packet)?;
        self.rtp_streams.accept(slot, ssrc, index);
        Ok(Opened { len, index })
    }

    /// Opens in place the SRTCP packet that is all of `packet` and returns its plain length. On an error no state has
    /// changed. After `Auth` the bytes behind the eighth have no meaning.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, SrtpError> {
        let word = self.rtcp.rtcp_word(packet).ok_or(SrtpError::TooShort)?;
        let ssrc = rtcp_ssrc(packet).ok_or(SrtpError::TooShort)?;
        if word & E_BIT == 0 {
            return Err(SrtpError::Unencrypted);
        }
        let index = word & !E_BIT;
        let slot = self.rtcp_streams.find(ssrc)?;
        if let Some(window) = self.rtcp_streams.window(slot) {
            window.check(u64::from(index))?;
        }
        let len = self.rtcp.open_rtcp(ssrc, index, packet)?;
        self.rtcp_streams.accept(slot, ssrc, u64::from(index));
        Ok(len)
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("profile", &self.profile)
            .field("rtp_streams", &self.rtp_streams.len())
            .field("rtcp_streams", &self.rtcp_streams.len())
            .finish_non_exhaustive()
    }
}

/// The index of a packet whose sequence is known: the one nearest to the highest received (RFC 3711 section 3.3.1 and
/// appendix A), none past the last of 48 bits. Before the first index there is nothing, so there the other neighbour is
/// taken: a jump ahead by more than half of the sequence space after an outage.
fn estimate(highest: u64, sequence: u16) -> Option<u64> {
    const HALF: u64 = 1 << 15;
    const ROUND: u64 = 1 << 16;
    let same = (highest & !(ROUND - 1)) | u64::from(sequence);
    let index = if same > highest + HALF {
        same.checked_sub(ROUND).unwrap_or(same)
    } else if same + HALF < highest {
        same + ROUND
    } else {
        same
    };
    (index < RTP_INDEXES).then_some(index)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_index_is_the_nearest() {
        for (highest, sequence, index) in [
            (0, 0, 0),
            (10, 12, 12),
            (10, 32_778, 32_778),
            (65_535, 0, 65_536),
            (65_536, 65_535, 65_535),
            (65_536, 0, 65_536),
            (40_000, 7_232, 7_232),
            (40_000, 7_231, 65_536 + 7_231),
            ((5 << 16) + 100, 65_000, (4 << 16) + 65_000),
            ((5 << 16) + 65_000, 100, (6 << 16) + 100),
            // Nothing lies before the first index.
            (10, 65_000, 65_000),
        ] {
            assert_eq!(
                estimate(highest, sequence),
                Some(index),
                "{highest} {sequence}"
            );
        }
        assert_eq!(estimate(RTP_INDEXES - 1, 0), None);
        assert_eq!(estimate(RTP_INDEXES - 1, 65_534), Some(RTP_INDEXES - 2));
    }

    proptest! {
        #[test]
        fn every_index_within_half_a_round_is_found(highest in 0..RTP_INDEXES, distance in -32_767i64..=32_767) {
            let index = highest.saturating_add_signed(distance).min(RTP_INDEXES - 1);
            prop_assert_eq!(estimate(highest, index as u16), Some(index));
        }
    }
}
