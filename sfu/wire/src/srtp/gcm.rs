//! AES-GCM for SRTP and SRTCP (RFC 7714).

use aws_lc_rs::aead::{
    AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, Tag, UnboundKey,
};

use super::kdf::SessionKeys;
use super::{E_BIT, Profile, RTCP_HEADER, RTCP_WORD, SrtpError};

/// Bytes of the tag (RFC 7714 section 13.2).
const TAG: usize = 16;

/// One protection (RTP or RTCP) with AES-GCM.
pub(super) struct Gcm {
    key: LessSafeKey,
    salt: [u8; NONCE_LEN],
}

impl Gcm {
    pub(super) fn new(profile: Profile, keys: &SessionKeys) -> Result<Self, SrtpError> {
        let algorithm = if profile.key_len() == 32 {
            &AES_256_GCM
        } else {
            &AES_128_GCM
        };
        let key = keys
            .cipher
            .as_bytes()
            .get(..profile.key_len())
            .ok_or(SrtpError::BadKey)?;
        let key = UnboundKey::new(algorithm, key).map_err(|_| SrtpError::BadKey)?;
        let salt = keys
            .salt
            .as_bytes()
            .first_chunk()
            .ok_or(SrtpError::BadKey)?;
        Ok(Self {
            key: LessSafeKey::new(key),
            salt: *salt,
        })
    }

    /// RTP: two zero bytes, SSRC, ROC, sequence; RTCP: the same with its index in the place of the 48 bits (sections 8.1
    /// and 9.1). Both are then XORed with the salt.
    fn nonce(&self, ssrc: u32, index: u64) -> [u8; NONCE_LEN] {
        let block = (u128::from(ssrc) << 48) | u128::from(index);
        let mut nonce = self.salt;
        for (byte, add) in nonce
            .iter_mut()
            .zip(block.to_be_bytes().into_iter().skip(16 - NONCE_LEN))
        {
            *byte ^= add;
        }
        nonce
    }

    fn seal(&self, ssrc: u32, index: u64, aad: &[u8], plain: &mut [u8]) -> Result<Tag, SrtpError> {
        let nonce = Nonce::assume_unique_for_key(self.nonce(ssrc, index));
        self.key
            .seal_in_place_separate_tag(nonce, Aad::from(aad), plain)
            .map_err(|_| SrtpError::Crypto)
    }

    /// `sealed` ends with the tag.
    fn open(&self, ssrc: u32, index: u64, aad: &[u8], sealed: &mut [u8]) -> Result<(), SrtpError> {
        let nonce = Nonce::assume_unique_for_key(self.nonce(ssrc, index));
        self.key
            .open_in_place(nonce, Aad::from(aad), sealed)
            .map(|_| ())
            .map_err(|_| SrtpError::Auth)
    }

    /// The header is authenticated, the payload encrypted, the tag appended (section 8).
    pub(super) fn seal_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header_len: usize,
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), SrtpError> {
        let packet = buffer.get_mut(start..).ok_or(SrtpError::TooShort)?;
        let (header, payload) = packet
            .split_at_mut_checked(header_len)
            .ok_or(SrtpError::TooShort)?;
        let tag = self.seal(ssrc, index, header, payload)?;
        buffer.extend_from_slice(tag.as_ref());
        Ok(())
    }

    pub(super) fn open_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header_len: usize,
        packet: &mut [u8],
    ) -> Result<usize, SrtpError> {
        let len = packet
            .len()
            .checked_sub(TAG)
            .filter(|&len| len >= header_len)
            .ok_or(SrtpError::TooShort)?;
        let (header, sealed) = packet
            .split_at_mut_checked(header_len)
            .ok_or(SrtpError::TooShort)?;
        self.open(ssrc, index, header, sealed)?;
        Ok(len)
    }

    /// The first eight bytes and the word of E bit and index are authenticated; tag and word are appended (section 9).
    pub(super) fn seal_rtcp(
        &self,
        ssrc: u32,
        index: u32,
        buffer: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), SrtpError> {
        let word = (E_BIT | index).to_be_bytes();
        let packet = buffer.get_mut(start..).ok_or(SrtpError::TooShort)?;
        let (header, payload) = packet.split_first_chunk_mut().ok_or(SrtpError::TooShort)?;
        let tag = self.seal(ssrc, u64::from(index), &rtcp_aad(header, word), payload)?;
        buffer.extend_from_slice(tag.as_ref());
        buffer.extend_from_slice(&word);
        Ok(())
    }

    /// The word of E bit and index: the last of the packet.
    pub(super) fn rtcp_word(packet: &[u8]) -> Option<u32> {
        let (body, word) = packet.split_last_chunk()?;
        (body.len() >= RTCP_HEADER + TAG).then(|| u32::from_be_bytes(*word))
    }

    /// The packet is one for which `rtcp_word` found a word with the E bit set.
    pub(super) fn open_rtcp(
        &self,
        ssrc: u32,
        index: u32,
        packet: &mut [u8],
    ) -> Result<usize, SrtpError> {
        let (body, word) = packet
            .split_last_chunk_mut::<RTCP_WORD>()
            .ok_or(SrtpError::TooShort)?;
        let len = body.len().checked_sub(TAG).ok_or(SrtpError::TooShort)?;
        let (header, sealed) = body.split_first_chunk_mut().ok_or(SrtpError::TooShort)?;
        self.open(ssrc, u64::from(index), &rtcp_aad(header, *word), sealed)?;
        Ok(len)
    }
}

fn rtcp_aad(header: &[u8; RTCP_HEADER], word: [u8; RTCP_WORD]) -> [u8; RTCP_HEADER + RTCP_WORD] {
    let mut aad = [0; RTCP_HEADER + RTCP_WORD];
    for (to, from) in aad.iter_mut().zip(header.iter().chain(&word)) {
        *to = *from;
    }
    aad
}
