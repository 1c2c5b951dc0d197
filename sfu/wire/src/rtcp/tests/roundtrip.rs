//! What is written is what is read.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn block() -> impl Strategy<Value = ReportBlock> {
    (
        any::<(u32, u8, u32, u32, u32, u32)>(),
        -0x80_0000..0x80_0000,
    )
        .prop_map(
            |(
                (ssrc, fraction_lost, highest_sequence, jitter, last_sr, delay_since_last_sr),
                cumulative_lost,
            )| ReportBlock {
                ssrc,
                fraction_lost,
                cumulative_lost,
                highest_sequence,
                jitter,
                last_sr,
                delay_since_last_sr,
            },
        )
}

proptest! {
    #[test]
    fn reports_come_back(words in any::<(u32, u64, u32, u32, u32)>(), blocks in vec(block(), 0..100)) {
        let (ssrc, ntp, rtp, sent, octets) = words;
        let mut out = Vec::new();
        sender_report::write(&mut out, ssrc, ntp, rtp, sent, octets, &blocks);
        receiver_report::write(&mut out, ssrc, &blocks);
        let mut read = Vec::new();
        for packet in packets(&out) {
            match packet {
                Ok(Packet::SenderReport(report)) => {
                    prop_assert_eq!((report.ssrc, report.ntp, report.rtp), (ssrc, ntp, rtp));
                    prop_assert_eq!((report.packets, report.octets), (sent, octets));
                    read.extend(report.blocks());
                }
                Ok(Packet::ReceiverReport(report)) => {
                    prop_assert_eq!(report.ssrc, ssrc);
                    read.extend(report.blocks());
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!(read, [blocks.clone(), blocks].concat());
    }

    #[test]
    fn source_descriptions_come_back(sources in vec(any::<(u32, String)>(), 0..70)) {
        let sources: Vec<_> = sources.iter().map(|(ssrc, cname)| (*ssrc, cname.as_str())).collect();
        let mut out = Vec::new();
        source_description::write(&mut out, &sources);
        let mut read = Vec::new();
        for packet in packets(&out) {
            match packet {
                Ok(Packet::SourceDescription(description)) => read.extend(description.cnames()),
                other => prop_assert!(false, "{:?}", other),
            }
        }
        let expected: Vec<_> = sources.iter().map(|&(ssrc, cname)| (ssrc, &cname.as_bytes()[..cname.len().min(255)])).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn goodbyes_come_back(ssrcs in vec(any::<u32>(), 0..70)) {
        let mut out = Vec::new();
        goodbye::write(&mut out, &ssrcs);
        let read = packets(&out).flat_map(|packet| match packet {
            Ok(Packet::Goodbye(goodbye)) => goodbye.ssrcs().collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        });
        prop_assert_eq!(read.collect::<Vec<u32>>(), ssrcs);
    }

    #[test]
    fn nacks_come_back(start in any::<u16>(), steps in vec(1..60_u16, 0..900)) {
        let mut sequence = start;
        let lost: Vec<_> = steps.iter().map(|step| {
            sequence = sequence.wrapping_add(*step);
            sequence
        }).collect();
        let mut out = Vec::new();
        nack::write(&mut out, 1, 2, &lost);
        let mut read = Vec::new();
        for packet in packets(&out) {
            match packet {
                Ok(Packet::Nack(nack)) => {
                    prop_assert_eq!((nack.sender, nack.media), (1, 2));
                    read.extend(nack.lost());
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert_eq!(read, lost);
    }

    #[test]
    fn unordered_nacks_lose_nothing(lost in vec(any::<u16>(), 0..50)) {
        let mut out = Vec::new();
        nack::write(&mut out, 1, 2, &lost);
        let read = packets(&out).flat_map(|packet| match packet {
            Ok(Packet::Nack(nack)) => nack.lost().collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        });
        let read: std::collections::BTreeSet<u16> = read.collect();
        prop_assert_eq!(read, lost.into_iter().collect());
    }

    #[test]
    fn keyframe_requests_come_back(sender in any::<u32>(), media in any::<u32>(), number in any::<u8>()) {
        let mut out = Vec::new();
        picture_loss::write(&mut out, sender, media);
        full_intra::write(&mut out, sender, media, number);
        let mut packets = packets(&out);
        let Some(Ok(Packet::PictureLoss(loss))) = packets.next() else { panic!("not a PLI") };
        prop_assert_eq!(loss, PictureLoss { sender, media });
        let Some(Ok(Packet::FullIntra(request))) = packets.next() else { panic!("not a FIR") };
        prop_assert_eq!(request.sender, sender);
        prop_assert_eq!(request.requests().collect::<Vec<_>>(), [(media, number)]);
        prop_assert!(packets.next().is_none());
    }

    #[test]
    fn rembs_come_back(bitrate in prop_oneof![any::<u64>(), 0..10_000_000_u64], ssrcs in vec(any::<u32>(), 0..300)) {
        let mut out = Vec::new();
        remb::write(&mut out, 1, bitrate, &ssrcs);
        let Packet::Remb(remb) = only(&out) else { panic!("not a REMB") };
        prop_assert!(remb.bitrate <= bitrate && bitrate - remb.bitrate <= bitrate >> 17);
        let named = &ssrcs[..ssrcs.len().min(255)];
        prop_assert_eq!(remb.ssrcs().collect::<Vec<_>>(), named);
    }
}
