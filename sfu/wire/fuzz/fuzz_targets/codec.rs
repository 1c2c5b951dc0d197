//! Keyframes: any payload of any codec.
#![no_main]

use libfuzzer_sys::fuzz_target;
use venterom_wire::codec::Codec;

fuzz_target!(|payload: &[u8]| {
    for codec in [
        Codec::Opus,
        Codec::Red,
        Codec::Vp8,
        Codec::H264,
        Codec::Vp9,
        Codec::Av1,
    ] {
        let starts = codec.starts_keyframe(payload);
        assert!(codec.is_video() || starts);
    }
    if let Ok(name) = std::str::from_utf8(payload) {
        let _ = Codec::parse(name);
    }
});
