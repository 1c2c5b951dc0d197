//! One protection, RTP or RTCP, whichever its cipher.

use super::cm::Cm;
use super::gcm::Gcm;
use super::kdf::{SessionKeys, Usage};
use super::{Profile, SrtpError};

/// Boxed so that moving a peer does not copy key schedules.
pub(super) enum Session {
    Gcm(Box<Gcm>),
    Cm(Box<Cm>),
}

impl Session {
    pub(super) fn new(
        profile: Profile,
        usage: Usage,
        key: &[u8],
        salt: &[u8],
    ) -> Result<Self, SrtpError> {
        Self::from_keys(profile, &SessionKeys::derive(profile, usage, key, salt)?)
    }

    pub(super) fn from_keys(profile: Profile, keys: &SessionKeys) -> Result<Self, SrtpError> {
        Ok(match profile {
            Profile::Aes128CmSha1_80 => Self::Cm(Box::new(Cm::new(profile, keys)?)),
            Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => {
                Self::Gcm(Box::new(Gcm::new(profile, keys)?))
            }
        })
    }

    pub(super) fn seal_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header_len: usize,
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), SrtpError> {
        match self {
            Self::Gcm(gcm) => gcm.seal_rtp(ssrc, index, header_len, buffer, start),
            Self::Cm(cm) => cm.seal_rtp(ssrc, index, header_len, buffer, start),
        }
    }

    /// The plain length: header and payload.
    pub(super) fn open_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header_len: usize,
        packet: &mut [u8],
    ) -> Result<usize, SrtpError> {
        match self {
            Self::Gcm(gcm) => gcm.open_rtp(ssrc, index, header_len, packet),
            Self::Cm(cm) => cm.open_rtp(ssrc, index, header_len, packet),
        }
    }

    pub(super) fn seal_rtcp(
        &self,
        ssrc: u32,
        index: u32,
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), SrtpError> {
        match self {
            Self::Gcm(gcm) => gcm.seal_rtcp(ssrc, index, buffer, start),
            Self::Cm(cm) => cm.seal_rtcp(ssrc, index, buffer, start),
        }
    }

    /// The word of E bit and index, none when the packet is too short to be SRTCP.
    pub(super) fn rtcp_word(&self, packet: &[u8]) -> Option<u32> {
        match self {
            Self::Gcm(_) => Gcm::rtcp_word(packet),
            Self::Cm(_) => Cm::rtcp_word(packet),
        }
    }

    /// The plain length, of an encrypted packet.
    pub(super) fn open_rtcp(
        &self,
        ssrc: u32,
        index: u32,
        packet: &mut [u8],
    ) -> Result<usize, SrtpError> {
        match self {
            Self::Gcm(gcm) => gcm.open_rtcp(ssrc, index, packet),
            Self::Cm(cm) => cm.open_rtcp(ssrc, index, packet),
        }
    }
}
