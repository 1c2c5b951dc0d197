//! Messages read from bytes that others define.

use super::*;

#[test]
fn reads_a_receiver_report_from_its_bytes() {
    let bytes = [
        0x81, 201, 0, 7, 0, 0, 0, 1, // header, sender
        0, 0, 0, 2, 0x80, 0xFF, 0xFF, 0xFE, 0, 1, 0, 5, // SSRC, half lost, -2 in all, highest
        0, 0, 0, 9, 0x11, 0x22, 0x33, 0x44, 0, 1, 0, 0, // jitter, last report, 1 s ago
    ];
    let Packet::ReceiverReport(report) = only(&bytes) else {
        panic!("not a receiver report");
    };
    assert_eq!(report.ssrc, 1);
    let expected = ReportBlock {
        ssrc: 2,
        fraction_lost: 128,
        cumulative_lost: -2,
        highest_sequence: 0x1_0005,
        jitter: 9,
        last_sr: 0x1122_3344,
        delay_since_last_sr: 65_536,
    };
    assert_eq!(report.blocks().collect::<Vec<_>>(), [expected]);
}

#[test]
fn reads_a_sender_report_from_its_bytes() {
    let bytes = [
        0x80, 200, 0, 6, 0, 0, 0, 1, // header, sender
        0xE9, 0x11, 0x22, 0x33, 0x80, 0, 0, 0, // NTP: half a second past
        0, 0, 0, 90, 0, 0, 0, 3, 0, 0, 4, 0, // RTP time, packets, octets
    ];
    let Packet::SenderReport(report) = only(&bytes) else {
        panic!("not a sender report");
    };
    assert_eq!(
        (report.ssrc, report.ntp, report.rtp),
        (1, 0xE911_2233_8000_0000, 90)
    );
    assert_eq!(
        (report.packets, report.octets, report.blocks().len()),
        (3, 1_024, 0)
    );
    assert_eq!(report.middle(), 0x2233_8000);
}

#[test]
fn reads_a_nack_from_its_bytes() {
    let bytes = [
        0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0xFF, 0xFE, 0x80, 0x03,
    ];
    let Packet::Nack(nack) = only(&bytes) else {
        panic!("not a NACK");
    };
    assert_eq!((nack.sender, nack.media), (1, 2));
    assert_eq!(nack.lost().collect::<Vec<_>>(), [65_534, 65_535, 0, 14]);
}

#[test]
fn reads_a_remb_from_its_bytes() {
    // 0x3FB93 << 1 is 522,022 bit/s.
    let bytes = [
        0x8F, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 1, 0x07, 0xFB, 0x93, 0x48,
        0x6A, 0xB1, 0xC2,
    ];
    let Packet::Remb(remb) = only(&bytes) else {
        panic!("not a REMB");
    };
    assert_eq!((remb.sender, remb.bitrate), (1, 0x3FB93 << 1));
    assert_eq!(remb.ssrcs().collect::<Vec<_>>(), [0x486A_B1C2]);
}

#[test]
fn a_compound_packet_of_all_is_read_back() {
    let out = all_messages();
    let names: Vec<_> = packets(&out)
        .map(|packet| match packet.expect("valid") {
            Packet::SenderReport(_) => "SR",
            Packet::ReceiverReport(_) => "RR",
            Packet::SourceDescription(_) => "SDES",
            Packet::Goodbye(_) => "BYE",
            Packet::Nack(_) => "NACK",
            Packet::PictureLoss(_) => "PLI",
            Packet::FullIntra(_) => "FIR",
            Packet::Remb(_) => "REMB",
            Packet::TransportFeedback(_) => "TWCC",
            Packet::Other => "?",
        })
        .collect();
    assert_eq!(
        names,
        [
            "SR", "RR", "SDES", "BYE", "NACK", "PLI", "FIR", "REMB", "TWCC"
        ]
    );
}
