//! RTCP: every item of every message of any compound packet.
#![no_main]

use libfuzzer_sys::fuzz_target;
use venterom_wire::rtcp::{Packet, nack, packets, remb};

fuzz_target!(|compound: &[u8]| {
    let mut items = 0;
    for packet in packets(compound) {
        items += match packet {
            Ok(Packet::SenderReport(report)) => report.blocks().count(),
            Ok(Packet::ReceiverReport(report)) => report.blocks().count(),
            Ok(Packet::SourceDescription(description)) => description.cnames().count(),
            Ok(Packet::Goodbye(goodbye)) => goodbye.ssrcs().count(),
            Ok(Packet::FullIntra(request)) => request.requests().count(),
            Ok(Packet::TransportFeedback(feedback)) => feedback.packets().count(),
            Ok(Packet::Nack(asked)) => {
                let lost: Vec<_> = asked.lost().collect();
                let mut written = Vec::new();
                nack::write(&mut written, asked.sender, asked.media, &lost);
                assert!(packets(&written).all(|packet| matches!(packet, Ok(Packet::Nack(_)))));
                lost.len()
            }
            Ok(Packet::Remb(cap)) => {
                let ssrcs: Vec<_> = cap.ssrcs().collect();
                let mut written = Vec::new();
                remb::write(&mut written, cap.sender, cap.bitrate, &ssrcs);
                let Some(Ok(Packet::Remb(again))) = packets(&written).next() else {
                    panic!("what we write is valid");
                };
                assert_eq!(again.bitrate, cap.bitrate);
                assert!(again.ssrcs().eq(ssrcs.iter().copied()));
                ssrcs.len()
            }
            Ok(Packet::PictureLoss(_) | Packet::Other) | Err(_) => 0,
        };
    }
    // Work is bounded: transport feedback by the sequence numbers there are, NACK by 17 for four
    // bytes.
    assert!(items <= 65_536 + 17 * compound.len());
});
