//! The test vectors of RFC 3711 appendix B.2 and RFC 7714 sections 16 and 17, and libsrtp's reference packets.

use super::kdf::{MAX_KEY, MAX_SALT, Secret, SessionKeys};
use super::session::Session;
use super::{Opener, Profile, Sealer, SrtpError};

pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// A session whose keys are given, not derived.
fn session(profile: Profile, key: &str, salt: &str) -> Session {
    let mut cipher = [0; MAX_KEY];
    cipher[..profile.key_len()].copy_from_slice(&hex(key));
    let mut padded = [0; MAX_SALT];
    padded[..profile.salt_len()].copy_from_slice(&hex(salt));
    let keys = SessionKeys {
        cipher: Secret::new(cipher),
        auth: Secret::new([0; 20]),
        salt: Secret::new(padded),
    };
    Session::from_keys(profile, &keys).unwrap()
}

#[test]
fn rfc3711_appendix_b2() {
    let cm = session(
        Profile::Aes128CmSha1_80,
        "2B7E151628AED2A6ABF7158809CF4F3C",
        "F0F1F2F3F4F5F6F7F8F9FAFBFCFD",
    );
    // SSRC and index zero leave the salt as the first counter; the key stream of 65,282 blocks is what zeros become.
    let mut buffer = vec![0; 12 + 65_282 * 16];
    cm.seal_rtp(0, 0, 12, &mut buffer, 0).unwrap();
    let block = |at: usize| buffer[12 + at * 16..12 + (at + 1) * 16].to_vec();
    for (at, expected) in [
        (0, "E03EAD0935C95E80E166B16DD92B4EB4"),
        (1, "D23513162B02D0F72A43A2FE4A5F97AB"),
        (2, "41E95B3BB0A2E8DD477901E4FCA894C0"),
        (0xfeff, "EC8CDF7398607CB0F2D21675EA9EA1E4"),
        (0xff00, "362B7C3C6773516318A077D7FC5073AE"),
        (0xff01, "6A2CC3787889374FBEB4C81B17BA6C44"),
    ] {
        assert_eq!(block(at), hex(expected), "block {at:#x}");
    }
}

const KEY_128: &str = "000102030405060708090a0b0c0d0e0f";
const KEY_256: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const SALT: &str = "517569642070726f2071756f";

const RTP: &str = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
                   69736120 696e2070 61727465 73207472 6573";
const RTP_SSRC: u32 = 0x5501_a0b2;
const RTP_INDEX: u64 = 0xf17b;

const RTCP: &str = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
                    deadbeef deadbeef deadbeef deadbeef deadbeef";
const RTCP_SSRC: u32 = 0x4d61_7273;
const RTCP_INDEX: u32 = 0x5d4;

/// Sections 16.1 and 16.2: (profile, session key, sealed packet).
const SEALED_RTP: [(Profile, &str, &str); 2] = [
    (
        Profile::AeadAes128Gcm,
        KEY_128,
        "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf
         8833899d 7f27beb1 6a9152cf 765ee439 0cce",
    ),
    (
        Profile::AeadAes256Gcm,
        KEY_256,
        "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799
         b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
    ),
];

/// Sections 17.1 and 17.2.
const SEALED_RTCP: [(Profile, &str, &str); 2] = [
    (
        Profile::AeadAes128Gcm,
        KEY_128,
        "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded
         0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4",
    ),
    (
        Profile::AeadAes256Gcm,
        KEY_256,
        "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be 8415f658 c61de047
         6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4",
    ),
];

#[test]
fn rfc7714_section_16() {
    for (profile, key, sealed) in SEALED_RTP {
        let gcm = session(profile, key, SALT);
        let mut packet = hex(RTP);
        gcm.seal_rtp(RTP_SSRC, RTP_INDEX, 12, &mut packet, 0)
            .unwrap();
        assert_eq!(packet, hex(sealed), "{profile:?}");
        let len = gcm.open_rtp(RTP_SSRC, RTP_INDEX, 12, &mut packet).unwrap();
        assert_eq!(packet[..len], hex(RTP), "{profile:?}");
    }
}

#[test]
fn rfc7714_section_17() {
    for (profile, key, sealed) in SEALED_RTCP {
        let gcm = session(profile, key, SALT);
        let mut packet = hex(RTCP);
        gcm.seal_rtcp(RTCP_SSRC, RTCP_INDEX, &mut packet, 0)
            .unwrap();
        assert_eq!(packet, hex(sealed), "{profile:?}");
        assert_eq!(gcm.rtcp_word(&packet), Some(0x8000_05d4));
        let len = gcm.open_rtcp(RTCP_SSRC, RTCP_INDEX, &mut packet).unwrap();
        assert_eq!(packet[..len], hex(RTCP), "{profile:?}");
    }
}

/// Sections 17.3 and 17.4: authentic, but in the clear, which we never negotiate.
#[test]
fn rfc7714_tagged_only_is_refused() {
    for (profile, tag) in [
        (
            Profile::AeadAes128Gcm,
            "841dd968 3dd78ec9 2ae58790 125f62b3 000005d4",
        ),
        (
            Profile::AeadAes256Gcm,
            "91db4afb feee5a97 8fab4393 ed2615fe 000005d4",
        ),
    ] {
        let mut opener = Opener::new(
            profile,
            &vec![0; profile.key_len()],
            &vec![0; profile.salt_len()],
        )
        .unwrap();
        let mut packet = [hex(RTCP), hex(tag)].concat();
        assert_eq!(opener.open_rtcp(&mut packet), Err(SrtpError::Unencrypted));
    }
}

/// From master key to sealed packet: what libsrtp's own validation expects (SSRC cafebabe, sequence 1234, SRTCP index 1).
#[test]
fn libsrtp_reference_packets() {
    let sealer =
        |profile, key: &str, salt: &str| Sealer::new(profile, &hex(key), &hex(salt)).unwrap();
    let rtp = "800f1234decafbadcafebabe abababababababababababababababab";
    let rtcp = "81c8000bcafebabe abababababababababababababababab";
    for (mut sealer, sealed_rtp, sealed_rtcp) in [
        (
            sealer(
                Profile::Aes128CmSha1_80,
                "e1f97a0d3e018be0d64fa32c06de4139",
                "0ec675ad498afeebb6960b3aabe6",
            ),
            "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb",
            "81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798",
        ),
        (
            sealer(Profile::AeadAes128Gcm, KEY_128, "a0a1a2a3a4a5a6a7a8a9aaab"),
            "800f1234decafbadcafebabe c5002ede04cfdd2eb91159e0880aa06e d2976826f796b201df3131a127e8a392",
            "81c8000bcafebabe c98b8b5df0392a55852b6c21ac8e7025 c52c6fbea2b3b446ea31123ba88ce61e 80000001",
        ),
    ] {
        let mut packet = hex(rtp);
        sealer
            .seal_rtp(0x1234, 0xcafe_babe, 12, &mut packet, 0)
            .unwrap();
        assert_eq!(packet, hex(sealed_rtp));
        sealer.seal_rtcp(&mut hex(rtcp), 0).unwrap();
        let mut packet = hex(rtcp);
        sealer.seal_rtcp(&mut packet, 0).unwrap();
        assert_eq!(packet, hex(sealed_rtcp));
    }
}
