//! What the tests of all messages share.

mod browsers;
mod feedback;
mod hostile;
mod known;
mod roundtrip;

use super::transport_feedback::{Builder, TICK};
use super::*;

/// Reads all that can be read and returns how many items that was.
fn exhaust(compound: &[u8]) -> usize {
    let mut items = 0;
    for packet in packets(compound) {
        items += match packet {
            Ok(Packet::SenderReport(report)) => report.blocks().count(),
            Ok(Packet::ReceiverReport(report)) => report.blocks().count(),
            Ok(Packet::SourceDescription(description)) => description.cnames().count(),
            Ok(Packet::Goodbye(goodbye)) => goodbye.ssrcs().count(),
            Ok(Packet::Nack(nack)) => nack.lost().count(),
            Ok(Packet::FullIntra(request)) => request.requests().count(),
            Ok(Packet::TransportFeedback(feedback)) => feedback.packets().count(),
            Ok(Packet::Remb(remb)) => remb.ssrcs().count(),
            Ok(Packet::PictureLoss(_) | Packet::Other) | Err(_) => 0,
        };
    }
    items
}

/// The only message of `compound`.
fn only(compound: &[u8]) -> Packet<'_> {
    let mut packets = packets(compound);
    let packet = packets.next().expect("a message").expect("a valid one");
    assert!(packets.next().is_none());
    packet
}

fn error(compound: &[u8]) -> Option<RtcpError> {
    packets(compound).find_map(Result::err)
}

/// A header around `body`, which is whole words.
fn message(count: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    let words = (body.len() / 4) as u16;
    let [l0, l1] = words.to_be_bytes();
    [&[0x80 | count, kind, l0, l1], body].concat()
}

/// One of each that we write, in one compound packet.
fn all_messages() -> Vec<u8> {
    let mut out = Vec::new();
    let block = ReportBlock {
        ssrc: 7,
        cumulative_lost: -3,
        ..ReportBlock::default()
    };
    sender_report::write(&mut out, 1, 2, 3, 4, 5, &[block, block]);
    receiver_report::write(&mut out, 1, &[block]);
    source_description::write(&mut out, &[(1, "abc"), (2, "defgh")]);
    goodbye::write(&mut out, &[1, 2]);
    nack::write(&mut out, 1, 2, &[65_530, 65_535, 3, 100]);
    picture_loss::write(&mut out, 1, 2);
    full_intra::write(&mut out, 1, 2, 3);
    remb::write(&mut out, 1, 1_500_000, &[2, 3]);
    let mut builder = Builder::new();
    builder.start(65_500, 1_000, 1_000);
    for (lost, arrival) in [
        (0, 1_000),
        (20, 1_300),
        (0, 1_200),
        (3, 1_210),
        (7, 1_211),
        (0, 1_212),
    ] {
        assert!(builder.push(lost, arrival));
    }
    builder.write(1, 2, 9, &mut out);
    out
}
