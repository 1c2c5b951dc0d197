//! Sealer against opener: round trips, order, replay, damage, and input that is no packet at all.

use proptest::prelude::*;

use super::*;

const PROFILES: [Profile; 3] = [
    Profile::Aes128CmSha1_80,
    Profile::AeadAes128Gcm,
    Profile::AeadAes256Gcm,
];
const SSRC: u32 = 0x1122_3344;

fn pair(profile: Profile) -> (Sealer, Opener) {
    let key = vec![7; profile.key_len()];
    let salt = vec![9; profile.salt_len()];
    (
        Sealer::new(profile, &key, &salt).unwrap(),
        Opener::new(profile, &key, &salt).unwrap(),
    )
}

fn header(ssrc: u32, sequence: u16) -> Vec<u8> {
    let mut header = vec![0x80, 96];
    header.extend_from_slice(&sequence.to_be_bytes());
    header.extend_from_slice(&[0, 0, 1, 2]);
    header.extend_from_slice(&ssrc.to_be_bytes());
    header
}

fn seal(sealer: &Sealer, ssrc: u32, index: u64, payload: &[u8]) -> Vec<u8> {
    let mut packet = header(ssrc, index as u16);
    packet.extend_from_slice(payload);
    sealer.seal_rtp(index, ssrc, 12, &mut packet, 0).unwrap();
    packet
}

/// Opens a copy, reading SSRC and sequence from the packet as an engine does.
fn open(opener: &mut Opener, sealed: &[u8]) -> Result<(u64, Vec<u8>), SrtpError> {
    let mut packet = sealed.to_vec();
    let sequence = u16::from_be_bytes([packet[2], packet[3]]);
    let ssrc = u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
    let opened = opener.open_rtp(&mut packet, 12, ssrc, sequence)?;
    packet.truncate(opened.len);
    Ok((opened.index, packet))
}

fn rtcp(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 201, 0, 1];
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(b"and a second packet.");
    packet
}

fn open_rtcp(opener: &mut Opener, sealed: &[u8]) -> Result<Vec<u8>, SrtpError> {
    let mut packet = sealed.to_vec();
    let len = opener.open_rtcp(&mut packet)?;
    packet.truncate(len);
    Ok(packet)
}

/// `count` RTCP packets, index 0 first.
fn sealed_rtcp(sealer: &mut Sealer, count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|_| {
            let mut packet = rtcp(SSRC);
            sealer.seal_rtcp(&mut packet, 0).unwrap();
            packet
        })
        .collect()
}

#[test]
fn media_threads_may_own_them() {
    fn is_send<T: Send>() {}
    is_send::<Sealer>();
    is_send::<Opener>();
}

#[test]
fn debug_tells_no_secret() {
    let (sealer, opener) = pair(Profile::AeadAes128Gcm);
    assert_eq!(
        format!("{sealer:?}"),
        "Sealer { profile: AeadAes128Gcm, .. }"
    );
    assert_eq!(
        format!("{opener:?}"),
        "Opener { profile: AeadAes128Gcm, rtp_streams: 0, rtcp_streams: 0, .. }"
    );
}

#[test]
fn rtp_ages_are_accepted_at_most_once() {
    for profile in PROFILES {
        // The second lies just behind a roll-over, so that ages reach across it.
        for highest in [30_000u64, 65_536 + 20, (3 << 16) - 1] {
            for (age, expected) in [
                (1, true),
                (63, true),
                (64, true),
                (1023, true),
                (1024, false),
            ] {
                let (sealer, mut opener) = pair(profile);
                // Lets the opener follow to the highest index, which may be rounds away.
                for index in (1..=highest)
                    .rev()
                    .step_by(20_000)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .rev()
                {
                    open(&mut opener, &seal(&sealer, SSRC, index, b"step")).unwrap();
                }
                let late = seal(&sealer, SSRC, highest - age, b"late");
                let first = open(&mut opener, &late);
                if expected {
                    assert_eq!(first.unwrap().0, highest - age);
                    assert_eq!(open(&mut opener, &late), Err(SrtpError::Replay));
                } else {
                    assert_eq!(first, Err(SrtpError::TooOld));
                }
                let newest = seal(&sealer, SSRC, highest, b"step");
                assert_eq!(open(&mut opener, &newest), Err(SrtpError::Replay));
            }
        }
    }
}

#[test]
fn a_packet_of_the_last_round_is_refused() {
    for profile in PROFILES {
        let (sealer, mut opener) = pair(profile);
        let old = seal(&sealer, SSRC, 100, b"first round");
        for index in (100..65_636).step_by(16_384) {
            open(&mut opener, &seal(&sealer, SSRC, index, b"step")).unwrap();
        }
        open(&mut opener, &seal(&sealer, SSRC, 65_636 - 1, b"step")).unwrap();
        // The same sequence is now expected a round later, where the old packet is not authentic.
        assert_eq!(open(&mut opener, &old), Err(SrtpError::Auth));
        open(&mut opener, &seal(&sealer, SSRC, 65_636, b"second round")).unwrap();
    }
}

#[test]
fn rtcp_ages_are_accepted_at_most_once() {
    for profile in PROFILES {
        let (mut sealer, _) = pair(profile);
        let packets = sealed_rtcp(&mut sealer, 2000);
        for (age, expected) in [
            (1, true),
            (63, true),
            (64, true),
            (1023, true),
            (1024, false),
        ] {
            let (_, mut opener) = pair(profile);
            assert_eq!(open_rtcp(&mut opener, &packets[1999]), Ok(rtcp(SSRC)));
            let first = open_rtcp(&mut opener, &packets[1999 - age]);
            assert_eq!(
                first,
                if expected {
                    Ok(rtcp(SSRC))
                } else {
                    Err(SrtpError::TooOld)
                }
            );
            let second = if expected {
                SrtpError::Replay
            } else {
                SrtpError::TooOld
            };
            assert_eq!(open_rtcp(&mut opener, &packets[1999 - age]), Err(second));
            assert_eq!(
                open_rtcp(&mut opener, &packets[1999]),
                Err(SrtpError::Replay)
            );
        }
    }
}

#[test]
fn streams_are_bounded_and_made_by_authentic_packets_only() {
    for profile in PROFILES {
        let (sealer, mut opener) = pair(profile);
        for ssrc in 0..2 * MAX_STREAMS as u32 {
            let mut forged = seal(&sealer, ssrc, 1, b"payload");
            *forged.last_mut().unwrap() ^= 1;
            assert_eq!(open(&mut opener, &forged), Err(SrtpError::Auth));
        }
        for ssrc in 0..MAX_STREAMS as u32 {
            open(&mut opener, &seal(&sealer, ssrc, 1, b"payload")).unwrap();
        }
        let beyond = seal(&sealer, MAX_STREAMS as u32, 1, b"payload");
        assert_eq!(open(&mut opener, &beyond), Err(SrtpError::TooManyStreams));
        // The known ones go on.
        open(&mut opener, &seal(&sealer, 0, 2, b"payload")).unwrap();
    }
}

#[test]
fn rtcp_streams_are_bounded_too() {
    for profile in PROFILES {
        let (mut sealer, mut opener) = pair(profile);
        for ssrc in 0..=MAX_STREAMS as u32 {
            let mut packet = rtcp(ssrc);
            sealer.seal_rtcp(&mut packet, 0).unwrap();
            let expected = if ssrc < MAX_STREAMS as u32 {
                Ok(rtcp(ssrc))
            } else {
                Err(SrtpError::TooManyStreams)
            };
            assert_eq!(open_rtcp(&mut opener, &packet), expected);
        }
    }
}

#[test]
fn a_forged_packet_moves_no_window() {
    for profile in PROFILES {
        let (mut sealer, mut opener) = pair(profile);
        open(&mut opener, &seal(&sealer, SSRC, 50, b"true")).unwrap();
        for ahead in [51, 20_000, 32_000] {
            let mut forged = seal(&sealer, SSRC, ahead, b"forged");
            forged[13] ^= 0x80;
            assert_eq!(open(&mut opener, &forged), Err(SrtpError::Auth));
        }
        open(&mut opener, &seal(&sealer, SSRC, 49, b"true")).unwrap();
        open(&mut opener, &seal(&sealer, SSRC, 51, b"true")).unwrap();

        let packets = sealed_rtcp(&mut sealer, 3);
        open_rtcp(&mut opener, &packets[1]).unwrap();
        let mut forged = packets[2].clone();
        // Sets a high bit of the index, wherever the profile has it.
        let at = if profile == Profile::Aes128CmSha1_80 {
            forged.len() - 14
        } else {
            forged.len() - 4
        };
        forged[at] |= 0x40;
        assert_eq!(open_rtcp(&mut opener, &forged), Err(SrtpError::Auth));
        open_rtcp(&mut opener, &packets[0]).unwrap();
        open_rtcp(&mut opener, &packets[2]).unwrap();
    }
}

#[test]
fn other_keys_open_nothing() {
    for profile in PROFILES {
        let (mut sealer, _) = pair(profile);
        let mut other = Opener::new(
            profile,
            &vec![8; profile.key_len()],
            &vec![9; profile.salt_len()],
        )
        .unwrap();
        assert_eq!(
            open(&mut other, &seal(&sealer, SSRC, 1, b"payload")),
            Err(SrtpError::Auth)
        );
        assert_eq!(
            open_rtcp(&mut other, &sealed_rtcp(&mut sealer, 1)[0]),
            Err(SrtpError::Auth)
        );
    }
}

#[test]
fn spent_keys_seal_nothing() {
    for profile in PROFILES {
        let (sealer, _) = pair(profile);
        let mut buffer = b"before".to_vec();
        buffer.extend_from_slice(&header(SSRC, 0));
        assert_eq!(
            sealer.seal_rtp(RTP_INDEXES, SSRC, 12, &mut buffer, 6),
            Err(SrtpError::Exhausted)
        );
        assert_eq!(buffer, b"before");
        buffer.extend_from_slice(&header(SSRC, 0xffff));
        assert_eq!(
            sealer.seal_rtp(RTP_INDEXES - 1, SSRC, 12, &mut buffer, 6),
            Ok(())
        );
    }
}

fn profiles() -> impl Strategy<Value = Profile> {
    prop::sample::select(PROFILES.to_vec())
}

/// Deliveries of the packets 0..count: most in order with some delay, some lost, some twice.
fn deliveries(count: usize) -> impl Strategy<Value = Vec<usize>> {
    let one = (
        0usize..300,
        prop::sample::select(vec![0usize, 1, 1, 1, 1, 1, 1, 1, 2]),
    );
    prop::collection::vec((one, 0usize..300), count).prop_map(|plan| {
        let mut times = Vec::new();
        for (packet, ((delay, copies), again)) in plan.into_iter().enumerate() {
            times.extend(
                [packet + delay, packet + delay + again]
                    .into_iter()
                    .take(copies)
                    .map(|at| (at, packet)),
            );
        }
        times.sort_unstable();
        times.into_iter().map(|(_, packet)| packet).collect()
    })
}

proptest! {
    #[test]
    fn rtp_round_trips(
        profile in profiles(),
        ssrc: u32,
        sequence: u16,
        more_header in prop::collection::vec(any::<u8>(), 0..60),
        payload in prop::collection::vec(any::<u8>(), 0..1500),
        before in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let (sealer, mut opener) = pair(profile);
        let mut plain = header(ssrc, sequence);
        plain.extend_from_slice(&more_header);
        let header_len = plain.len();
        plain.extend_from_slice(&payload);
        let mut buffer = [&before[..], &plain[..]].concat();
        sealer.seal_rtp(u64::from(sequence), ssrc, header_len, &mut buffer, before.len()).unwrap();
        let (kept, sealed) = buffer.split_at_mut(before.len());
        prop_assert_eq!(kept, &before[..]);
        prop_assert_eq!(sealed.len(), plain.len() + profile.rtp_overhead());
        prop_assert_eq!(&sealed[..header_len], &plain[..header_len]);
        if payload.len() >= 16 {
            prop_assert_ne!(&sealed[header_len..plain.len()], &payload[..]);
        }
        let opened = opener.open_rtp(sealed, header_len, ssrc, sequence).unwrap();
        prop_assert_eq!(opened, Opened { len: plain.len(), index: u64::from(sequence) });
        prop_assert_eq!(&sealed[..opened.len], &plain[..]);
    }

    #[test]
    fn rtcp_round_trips(profile in profiles(), plain in prop::collection::vec(any::<u8>(), 8..1400), skip in 0usize..5) {
        let (mut sealer, mut opener) = pair(profile);
        sealed_rtcp(&mut sealer, skip);
        let mut buffer = [&b"before"[..], &plain[..]].concat();
        sealer.seal_rtcp(&mut buffer, 6).unwrap();
        prop_assert_eq!(&buffer[..6], b"before");
        let sealed = &mut buffer[6..];
        prop_assert_eq!(sealed.len(), plain.len() + profile.rtcp_overhead());
        prop_assert_eq!(&sealed[..8], &plain[..8]);
        let len = opener.open_rtcp(sealed).unwrap();
        prop_assert_eq!(&sealed[..len], &plain[..]);
    }

    #[test]
    fn loss_reorder_and_duplicates_across_roll_over(
        profile in profiles(),
        start in 63_600u64..65_536,
        order in deliveries(2_000),
    ) {
        let (sealer, mut opener) = pair(profile);
        // The first packet arrives first: no receiver can know of a roll-over it has not seen.
        open(&mut opener, &seal(&sealer, SSRC, start - 1, b"first")).unwrap();
        let mut seen = vec![false; 2_000];
        for packet in order {
            let index = start + packet as u64;
            let opened = open(&mut opener, &seal(&sealer, SSRC, index, &index.to_be_bytes()));
            if seen[packet] {
                prop_assert_eq!(opened, Err(SrtpError::Replay));
            } else {
                let (found, plain) = opened.unwrap();
                prop_assert_eq!(found, index);
                prop_assert_eq!(&plain[12..], &index.to_be_bytes());
                seen[packet] = true;
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_refused_and_changes_nothing(
        profile in profiles(),
        sequence: u16,
        payload in prop::collection::vec(any::<u8>(), 0..200),
        bit: prop::sample::Index,
    ) {
        let (sealer, mut opener) = pair(profile);
        let sealed = seal(&sealer, SSRC, u64::from(sequence), &payload);
        let mut damaged = sealed.clone();
        let bit = bit.index(sealed.len() * 8);
        damaged[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(open(&mut opener, &damaged), Err(SrtpError::Auth));
        prop_assert_eq!(open(&mut opener, &sealed).unwrap().0, u64::from(sequence));
        prop_assert!(open(&mut opener, &damaged).is_err());
    }

    #[test]
    fn a_flipped_rtcp_bit_is_refused_and_changes_nothing(profile in profiles(), bit: prop::sample::Index) {
        let (mut sealer, mut opener) = pair(profile);
        let sealed = sealed_rtcp(&mut sealer, 1).remove(0);
        let mut damaged = sealed.clone();
        let bit = bit.index(sealed.len() * 8);
        damaged[bit / 8] ^= 1 << (bit % 8);
        let refused = open_rtcp(&mut opener, &damaged);
        prop_assert!(matches!(refused, Err(SrtpError::Auth | SrtpError::Unencrypted)), "{:?}", refused);
        prop_assert_eq!(open_rtcp(&mut opener, &sealed), Ok(rtcp(SSRC)));
    }

    #[test]
    fn cut_packets_are_refused(profile in profiles(), payload in prop::collection::vec(any::<u8>(), 0..40)) {
        let (mut sealer, mut opener) = pair(profile);
        let sealed = seal(&sealer, SSRC, 5, &payload);
        for len in 12..sealed.len() {
            prop_assert!(open(&mut opener, &sealed[..len]).is_err());
        }
        open(&mut opener, &sealed).unwrap();
        let sealed = sealed_rtcp(&mut sealer, 1).remove(0);
        for len in 0..sealed.len() {
            prop_assert!(open_rtcp(&mut opener, &sealed[..len]).is_err());
        }
        open_rtcp(&mut opener, &sealed).unwrap();
    }

    #[test]
    fn nothing_panics(
        profile in profiles(),
        mut bytes in prop::collection::vec(any::<u8>(), 0..80),
        header_len in prop_oneof![0usize..100, Just(usize::MAX)],
        start in prop_oneof![0usize..100, Just(usize::MAX)],
        index: u64,
        ssrc: u32,
        sequence: u16,
    ) {
        let (mut sealer, mut opener) = pair(profile);
        prop_assert!(opener.open_rtp(&mut bytes, header_len, ssrc, sequence).is_err());
        prop_assert!(opener.open_rtcp(&mut bytes).is_err());
        let mut buffer = bytes.clone();
        let sealed = sealer.seal_rtp(index, ssrc, header_len, &mut buffer, start);
        prop_assert_eq!(buffer.len(), if sealed.is_ok() { bytes.len() + profile.rtp_overhead() } else { bytes.len().min(start) });
        let mut buffer = bytes.clone();
        let sealed = sealer.seal_rtcp(&mut buffer, start);
        prop_assert_eq!(buffer.len(), if sealed.is_ok() { bytes.len() + profile.rtcp_overhead() } else { bytes.len().min(start) });
    }
}
