//! What the forwarder must know of a codec: the least that can be read from a packet without
//! decoding.

mod av1;
mod h264;
mod vp8;
mod vp9;

/// A codec that we negotiate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// RFC 7587.
    Opus,
    /// Redundant audio, RFC 2198.
    Red,
    /// RFC 7741.
    Vp8,
    /// RFC 6184.
    H264,
    /// RFC 9628.
    Vp9,
    /// RTP payload format for AV1, by the Alliance for Open Media.
    Av1,
}

impl Codec {
    /// By its encoding name in SDP, in any case (RFC 4855, section 3).
    pub fn parse(name: &str) -> Option<Self> {
        const NAMES: [(&str, Codec); 6] = [
            ("opus", Codec::Opus),
            ("red", Codec::Red),
            ("VP8", Codec::Vp8),
            ("H264", Codec::H264),
            ("VP9", Codec::Vp9),
            ("AV1", Codec::Av1),
        ];
        let found = NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|&(_, codec)| codec)
    }

    /// Video codecs need keyframes.
    pub const fn is_video(self) -> bool {
        match self {
            Self::Opus | Self::Red => false,
            Self::Vp8 | Self::H264 | Self::Vp9 | Self::Av1 => true,
        }
    }

    /// Whether a decoder can begin at this payload: the first packet of a keyframe, or any packet
    /// of audio.
    pub fn starts_keyframe(self, payload: &[u8]) -> bool {
        match self {
            Self::Opus | Self::Red => true,
            Self::Vp8 => vp8::starts_keyframe(payload),
            Self::H264 => h264::starts_keyframe(payload),
            Self::Vp9 => vp9::starts_keyframe(payload),
            Self::Av1 => av1::starts_keyframe(payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Codec; 6] = [
        Codec::Opus,
        Codec::Red,
        Codec::Vp8,
        Codec::H264,
        Codec::Vp9,
        Codec::Av1,
    ];

    #[test]
    fn names_in_any_case() {
        for (name, codec) in [
            ("opus", Some(Codec::Opus)),
            ("OPUS", Some(Codec::Opus)),
            ("red", Some(Codec::Red)),
            ("vp8", Some(Codec::Vp8)),
            ("h264", Some(Codec::H264)),
            ("VP9", Some(Codec::Vp9)),
            ("av1", Some(Codec::Av1)),
            ("rtx", None),
            ("", None),
        ] {
            assert_eq!(Codec::parse(name), codec, "{name}");
        }
    }

    #[test]
    fn audio_starts_anywhere_and_video_not_at_nothing() {
        for codec in ALL {
            assert_eq!(codec.starts_keyframe(&[]), !codec.is_video(), "{codec:?}");
        }
    }

    #[test]
    fn every_length_of_every_byte() {
        for codec in ALL {
            for byte in 0..=255 {
                for len in (0..64).chain([1_173, 1_174, 1_500]) {
                    codec.starts_keyframe(&vec![byte; len]);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn takes_any_bytes(payload in prop::collection::vec(any::<u8>(), 0..1_500)) {
            for codec in ALL {
                codec.starts_keyframe(&payload);
            }
        }
    }
}
