//! SRTP and SRTCP: any packet, and any damage to sealed ones, against one opener.
#![no_main]

use libfuzzer_sys::fuzz_target;
use venterom_wire::rtp::{Header, Outgoing};
use venterom_wire::srtp::{Opener, Profile, Sealer};

const PROFILES: [Profile; 3] = [
    Profile::Aes128CmSha1_80,
    Profile::AeadAes128Gcm,
    Profile::AeadAes256Gcm,
];

fn open(opener: &mut Opener, packet: &[u8]) -> (bool, bool) {
    let mut rtp = packet.to_vec();
    let opened = Header::parse(packet).ok().and_then(|header| {
        opener
            .open_rtp(&mut rtp, header.len, header.ssrc, header.sequence)
            .ok()
    });
    if let Some(opened) = opened {
        assert!(opened.len <= packet.len());
    }
    let mut rtcp = packet.to_vec();
    let plain = opener.open_rtcp(&mut rtcp).ok();
    assert!(plain.is_none_or(|len| len <= packet.len()));
    (opened.is_some(), plain.is_some())
}

fuzz_target!(|data: &[u8]| {
    let Some((&choice, data)) = data.split_first() else {
        return;
    };
    let profile = PROFILES[usize::from(choice) % PROFILES.len()];
    let (key, salt) = (vec![1; profile.key_len()], vec![2; profile.salt_len()]);
    let mut opener = Opener::new(profile, &key, &salt).expect("a key of the right length");
    let mut sealer = Sealer::new(profile, &key, &salt).expect("a key of the right length");

    // Nobody guesses a tag.
    assert_eq!(open(&mut opener, data), (false, false));
    // Lengths that contradict the packet.
    for header_len in [0, 11, 12, data.len(), data.len() + 1, usize::MAX] {
        let mut packet = data.to_vec();
        assert!(opener.open_rtp(&mut packet, header_len, 1, 2).is_err());
    }

    // Sealed packets of our own, each damaged by one change or none; the next use of an index is a
    // replay.
    for (index, change) in data.chunks_exact(3).enumerate() {
        let sequence = u16::from(change[2]) << 2;
        let outgoing = Outgoing {
            marker: false,
            payload_type: 96,
            sequence,
            timestamp: 0,
            ssrc: 3,
            extensions: &[(1, b"x")],
            extension_block: 0,
        };
        let mut packet = Vec::new();
        let header_len = outgoing.write(&mut packet);
        packet.extend_from_slice(data.get(..index).unwrap_or_default());
        let plain = packet.clone();
        let sealed = sealer.seal_rtp(u64::from(sequence), 3, header_len, &mut packet, 0);
        sealed.expect("an index within range");
        let at = usize::from(change[0]) % packet.len();
        packet[at] ^= change[1];
        let (rtp, rtcp) = open(&mut opener, &packet);
        assert!(!rtcp && !(rtp && change[1] != 0));
        if rtp {
            assert_eq!(open(&mut opener, &packet), (false, false), "a replay");
        }

        let mut packet = plain;
        packet[1] = 200;
        sealer
            .seal_rtcp(&mut packet, 0)
            .expect("an index within range");
        let at = usize::from(change[0]) % packet.len();
        packet[at] ^= change[1];
        assert_eq!(open(&mut opener, &packet).1, change[1] == 0);
    }
});
