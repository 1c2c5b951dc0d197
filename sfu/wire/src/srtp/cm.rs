//! AES in counter mode with HMAC-SHA1 cut to 80 bits (RFC 3711 sections 4.1.1 and 4.2.1): encrypt, then authenticate.

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use aws_lc_rs::iv::FixedLength;

use super::kdf::{MAX_SALT, SessionKeys};
use super::{E_BIT, Profile, RTCP_HEADER, RTCP_WORD, SrtpError};

/// Bytes of the tag: 80 bits.
const TAG: usize = 10;

/// One protection (RTP or RTCP) with AES-CM and HMAC-SHA1.
pub(super) struct Cm {
    cipher: EncryptingKey,
    auth: hmac::Key,
    salt: [u8; MAX_SALT],
}

impl Cm {
    pub(super) fn new(profile: Profile, keys: &SessionKeys) -> Result<Self, SrtpError> {
        let key = keys
            .cipher
            .as_bytes()
            .get(..profile.key_len())
            .ok_or(SrtpError::BadKey)?;
        let cipher = UnboundCipherKey::new(&AES_128, key)
            .and_then(EncryptingKey::ctr)
            .map_err(|_| SrtpError::BadKey)?;
        let auth = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, keys.auth.as_bytes());
        Ok(Self {
            cipher,
            auth,
            salt: *keys.salt.as_bytes(),
        })
    }

    /// Encrypts or decrypts: XORs with the key stream of (SSRC, index). The IV is salt * 2^16 XOR SSRC * 2^64 XOR
    /// index * 2^16; its low 16 bits count blocks.
    fn apply(&self, ssrc: u32, index: u64, data: &mut [u8]) -> Result<(), SrtpError> {
        let block = (u128::from(ssrc) << 64) | (u128::from(index) << 16);
        let mut iv = block.to_be_bytes();
        for (byte, salt) in iv.iter_mut().zip(self.salt) {
            *byte ^= salt;
        }
        let context = EncryptionContext::Iv128(FixedLength::from(iv));
        self.cipher
            .less_safe_encrypt(data, context)
            .map(|_| ())
            .map_err(|_| SrtpError::Crypto)
    }

    /// The tag over `message` and `end` (the ROC for RTP, nothing for RTCP).
    fn tag(&self, message: &[u8], end: &[u8]) -> Result<[u8; TAG], SrtpError> {
        let mut context = hmac::Context::with_key(&self.auth);
        context.update(message);
        context.update(end);
        context
            .sign()
            .as_ref()
            .first_chunk()
            .copied()
            .ok_or(SrtpError::Crypto)
    }

    fn verify(&self, message: &[u8], end: &[u8], tag: &[u8; TAG]) -> Result<(), SrtpError> {
        verify_slices_are_equal(&self.tag(message, end)?, tag).map_err(|_| SrtpError::Auth)
    }

    pub(super) fn seal_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header_len: usize,
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), SrtpError> {
        let packet = buffer.get_mut(start..).ok_or(SrtpError::TooShort)?;
        let payload = packet.get_mut(header_len..).ok_or(SrtpError::TooShort)?;
        self.apply(ssrc, index, payload)?;
        let tag = self.tag(packet, &roc(index))?;
        buffer.extend_from_slice(&tag);
        Ok(())
    }

    pub(super) fn open_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header_len: usize,
        packet: &mut [u8],
    ) -> Result<usize, SrtpError> {
        let (message, tag) = packet.split_last_chunk_mut().ok_or(SrtpError::TooShort)?;
        if message.len() < header_len {
            return Err(SrtpError::TooShort);
        }
        self.verify(message, &roc(index), tag)?;
        let payload = message.get_mut(header_len..).ok_or(SrtpError::TooShort)?;
        self.apply(ssrc, index, payload)?;
        Ok(message.len())
    }

    /// All after the first eight bytes is encrypted, the word of E bit and index follows, then the tag over all of it
    /// (section 3.4).
    pub(super) fn seal_rtcp(
        &self,
        ssrc: u32,
        index: u32,
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), SrtpError> {
        let packet = buffer.get_mut(start..).ok_or(SrtpError::TooShort)?;
        let payload = packet.get_mut(RTCP_HEADER..).ok_or(SrtpError::TooShort)?;
        self.apply(ssrc, u64::from(index), payload)?;
        buffer.extend_from_slice(&(E_BIT | index).to_be_bytes());
        let tag = self.tag(buffer.get(start..).ok_or(SrtpError::TooShort)?, &[])?;
        buffer.extend_from_slice(&tag);
        Ok(())
    }

    /// The word of E bit and index: before the tag.
    pub(super) fn rtcp_word(packet: &[u8]) -> Option<u32> {
        let (message, _) = packet.split_last_chunk::<TAG>()?;
        let (body, word) = message.split_last_chunk()?;
        (body.len() >= RTCP_HEADER).then(|| u32::from_be_bytes(*word))
    }

    /// The packet is one for which `rtcp_word` found a word with the E bit set.
    pub(super) fn open_rtcp(
        &self,
        ssrc: u32,
        index: u32,
        packet: &mut [u8],
    ) -> Result<usize, SrtpError> {
        let (message, tag) = packet.split_last_chunk_mut().ok_or(SrtpError::TooShort)?;
        self.verify(message, &[], tag)?;
        let (body, _) = message
            .split_last_chunk_mut::<RTCP_WORD>()
            .ok_or(SrtpError::TooShort)?;
        let payload = body.get_mut(RTCP_HEADER..).ok_or(SrtpError::TooShort)?;
        self.apply(ssrc, u64::from(index), payload)?;
        Ok(body.len())
    }
}

/// The roll-over counter of a 48-bit index, as the tag covers it (section 4.2).
fn roc(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}
