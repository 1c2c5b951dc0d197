//! RTP: header, extensions and payload of any packet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use venterom_wire::rtp::{Header, Outgoing, audio_level};

fuzz_target!(|packet: &[u8]| {
    let Ok(header) = Header::parse(packet) else {
        return;
    };
    assert!(header.len <= packet.len());
    if let Ok(payload) = header.payload(packet) {
        assert!(header.len + payload.len() <= packet.len());
    }
    let extensions: Vec<_> = header.extensions(packet).collect();
    for (_, value) in &extensions {
        let _ = audio_level(value);
    }
    // What the one-byte form can say comes back.
    let outgoing = Outgoing {
        marker: header.marker,
        payload_type: header.payload_type,
        sequence: header.sequence,
        timestamp: header.timestamp,
        ssrc: header.ssrc,
        extensions: &extensions,
        extension_block: packet.len() % 64,
    };
    let mut written = Vec::new();
    let len = outgoing.write(&mut written);
    let again = Header::parse(&written).expect("what we write is valid");
    assert_eq!((again.len, len), (written.len(), written.len()));
    let sayable =
        |&(id, value): &(u8, &[u8])| (1..=14).contains(&id) && (1..=16).contains(&value.len());
    assert!(
        again
            .extensions(&written)
            .eq(extensions.iter().copied().filter(sayable))
    );
});
