//! The protection profiles negotiated in DTLS (RFC 5764 section 4.1.2, RFC 7714 section 14.2).

/// A protection profile; the discriminant is its DTLS identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Profile {
    /// AES-128 in counter mode, HMAC-SHA1 cut to 80 bits: what every implementation has.
    Aes128CmSha1_80 = 0x0001,
    /// The fast one, preferred.
    AeadAes128Gcm = 0x0007,
    /// For peers that insist on 256 bits.
    AeadAes256Gcm = 0x0008,
}

impl Profile {
    /// The profile of a DTLS `use_srtp` identifier, none for those we do not offer.
    pub const fn from_id(id: u16) -> Option<Self> {
        match id {
            0x0001 => Some(Self::Aes128CmSha1_80),
            0x0007 => Some(Self::AeadAes128Gcm),
            0x0008 => Some(Self::AeadAes256Gcm),
            _ => None,
        }
    }

    /// The DTLS identifier.
    pub const fn id(self) -> u16 {
        self as u16
    }

    /// Bytes of the master key, and of the session's encryption key.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Bytes of the master salt, and of the session's.
    pub const fn salt_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }

    /// Bytes that sealing adds to an RTP packet: the tag.
    pub const fn rtp_overhead(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 => 10,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 16,
        }
    }

    /// Bytes that sealing adds to an RTCP packet: the tag, and the word of E bit and index.
    pub const fn rtcp_overhead(self) -> usize {
        self.rtp_overhead() + super::RTCP_WORD
    }

    /// Splits keying material that is the master key followed by its salt, none when its length is another.
    pub fn split(self, material: &[u8]) -> Option<(&[u8], &[u8])> {
        let (key, salt) = material.split_at_checked(self.key_len())?;
        (salt.len() == self.salt_len()).then_some((key, salt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_profiles_have_an_id() {
        let known: Vec<u16> = (0..=u16::MAX)
            .filter(|&id| Profile::from_id(id).is_some())
            .collect();
        assert_eq!(known, [1, 7, 8]);
        for id in known {
            assert_eq!(Profile::from_id(id).unwrap().id(), id);
        }
    }

    #[test]
    fn material_is_split_by_exact_length() {
        for profile in [
            Profile::Aes128CmSha1_80,
            Profile::AeadAes128Gcm,
            Profile::AeadAes256Gcm,
        ] {
            let total = profile.key_len() + profile.salt_len();
            for len in 0..64 {
                let material = vec![0; len];
                let split = profile
                    .split(&material)
                    .map(|(key, salt)| (key.len(), salt.len()));
                assert_eq!(
                    split,
                    (len == total).then(|| (profile.key_len(), profile.salt_len()))
                );
            }
        }
    }
}
