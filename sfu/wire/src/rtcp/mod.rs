//! RTCP: one message a file, each with its view of what came and its writer.
//!
//! Views borrow the datagram, are checked when made and allocate nothing. Writers append one whole
//! message to a buffer, so messages written one after the other are a compound packet (RFC 3550,
//! section 6.1).

use std::fmt;

pub mod full_intra;
pub mod goodbye;
pub mod nack;
pub mod picture_loss;
pub mod receiver_report;
pub mod remb;
pub mod report_block;
pub mod sender_report;
pub mod source_description;
mod status_chunks;
pub mod transport_feedback;

pub use full_intra::FullIntra;
pub use goodbye::Goodbye;
pub use nack::Nack;
pub use picture_loss::PictureLoss;
pub use receiver_report::ReceiverReport;
pub use remb::Remb;
pub use report_block::ReportBlock;
pub use sender_report::SenderReport;
pub use source_description::SourceDescription;
pub use transport_feedback::TransportFeedback;

/// Packet types (RFC 3550, section 12.1; RFC 4585, section 6.1).
mod kind {
    pub(super) const SENDER_REPORT: u8 = 200;
    pub(super) const RECEIVER_REPORT: u8 = 201;
    pub(super) const SOURCE_DESCRIPTION: u8 = 202;
    pub(super) const GOODBYE: u8 = 203;
    pub(super) const TRANSPORT: u8 = 205;
    pub(super) const PAYLOAD: u8 = 206;
}

/// Feedback formats (RFC 4585, section 6; RFC 5104, section 4; transport-cc and REMB drafts).
mod format {
    pub(super) const NACK: u8 = 1;
    pub(super) const TRANSPORT_FEEDBACK: u8 = 15;
    pub(super) const PICTURE_LOSS: u8 = 1;
    pub(super) const FULL_INTRA: u8 = 4;
    pub(super) const APPLICATION: u8 = 15;
}

/// The five-bit count of a header says no more than this of blocks, chunks or sources.
pub const MAX_COUNT: usize = 31;

/// How many statuses the transport feedback of one compound packet may tell: a run of 8,191 costs
/// two bytes to say and much more to read, and there are only this many sequence numbers.
const MAX_STATUSES: u32 = 1 << 16;

/// Why a compound packet is no RTCP from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RtcpError {
    /// Shorter than its header says.
    TooShort,
    /// Not version 2.
    Version,
    /// The padding count is zero or more than the message.
    Padding,
    /// The message contradicts itself.
    Malformed,
    /// It says more than one compound packet may.
    TooMuch,
}

impl fmt::Display for RtcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "RTCP packet shorter than its header says",
            Self::Version => "not RTCP version 2",
            Self::Padding => "RTCP padding out of range",
            Self::Malformed => "RTCP message contradicts itself",
            Self::TooMuch => "RTCP compound packet says too much",
        })
    }
}

impl std::error::Error for RtcpError {}

/// One message of a compound packet.
#[derive(Debug, Clone, Copy)]
pub enum Packet<'a> {
    /// RFC 3550, section 6.4.1.
    SenderReport(SenderReport<'a>),
    /// RFC 3550, section 6.4.2.
    ReceiverReport(ReceiverReport<'a>),
    /// RFC 3550, section 6.5.
    SourceDescription(SourceDescription<'a>),
    /// RFC 3550, section 6.6.
    Goodbye(Goodbye<'a>),
    /// RFC 4585, section 6.2.1.
    Nack(Nack<'a>),
    /// RFC 4585, section 6.3.1.
    PictureLoss(PictureLoss),
    /// RFC 5104, section 4.3.1.
    FullIntra(FullIntra<'a>),
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01.
    TransportFeedback(TransportFeedback<'a>),
    /// draft-alvestrand-rmcat-remb-03.
    Remb(Remb<'a>),
    /// A message that we have no use for.
    Other,
}

/// The messages of a compound packet, or of one that stands alone (RFC 5506).
pub fn packets(compound: &[u8]) -> Packets<'_> {
    Packets {
        rest: compound,
        statuses_left: MAX_STATUSES,
    }
}

/// Iterator over a compound packet; it ends after the first error.
#[derive(Debug, Clone)]
pub struct Packets<'a> {
    rest: &'a [u8],
    statuses_left: u32,
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, RtcpError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.rest);
        if rest.is_empty() {
            return None;
        }
        let parsed = Message::split(rest).and_then(|(message, rest)| {
            let packet = message.parse()?;
            if let Packet::TransportFeedback(feedback) = &packet {
                let statuses = u32::from(feedback.count());
                self.statuses_left = self
                    .statuses_left
                    .checked_sub(statuses)
                    .ok_or(RtcpError::TooMuch)?;
            }
            Ok((packet, rest))
        });
        Some(parsed.map(|(packet, rest)| {
            self.rest = rest;
            packet
        }))
    }
}

/// A message whose length is right: what is in it is still unread.
#[derive(Debug, Clone, Copy)]
struct Message<'a> {
    /// The header's five bits: a count, or the format of feedback.
    count: u8,
    kind: u8,
    /// Without header and padding.
    body: &'a [u8],
}

impl<'a> Message<'a> {
    fn split(rest: &'a [u8]) -> Result<(Self, &'a [u8]), RtcpError> {
        let &[first, kind, l0, l1] = rest.first_chunk().ok_or(RtcpError::TooShort)?;
        if first >> 6 != 2 {
            return Err(RtcpError::Version);
        }
        let len = 4 * (usize::from(u16::from_be_bytes([l0, l1])) + 1);
        let (packet, rest) = rest.split_at_checked(len).ok_or(RtcpError::TooShort)?;
        let mut body = packet.get(4..).unwrap_or_default();
        if first & 0x20 != 0 {
            // RFC 3550 wants whole words, and only in the last message. libwebrtc pads transport
            // feedback by single bytes, and sends several in one compound packet.
            let padding = usize::from(*body.last().ok_or(RtcpError::Padding)?);
            if padding == 0 {
                return Err(RtcpError::Padding);
            }
            let plain = body.len().checked_sub(padding).ok_or(RtcpError::Padding)?;
            body = body.get(..plain).unwrap_or_default();
        }
        let count = first & 0x1F;
        Ok((Self { count, kind, body }, rest))
    }

    fn parse(self) -> Result<Packet<'a>, RtcpError> {
        let Self { count, kind, body } = self;
        Ok(match (kind, count) {
            (kind::SENDER_REPORT, _) => Packet::SenderReport(SenderReport::parse(count, body)?),
            (kind::RECEIVER_REPORT, _) => {
                Packet::ReceiverReport(ReceiverReport::parse(count, body)?)
            }
            (kind::SOURCE_DESCRIPTION, _) => {
                Packet::SourceDescription(SourceDescription::parse(count, body)?)
            }
            (kind::GOODBYE, _) => Packet::Goodbye(Goodbye::parse(count, body)?),
            (kind::TRANSPORT, format::NACK) => Packet::Nack(Nack::parse(body)?),
            (kind::TRANSPORT, format::TRANSPORT_FEEDBACK) => {
                Packet::TransportFeedback(TransportFeedback::parse(body)?)
            }
            (kind::PAYLOAD, format::PICTURE_LOSS) => Packet::PictureLoss(PictureLoss::parse(body)?),
            (kind::PAYLOAD, format::FULL_INTRA) => Packet::FullIntra(FullIntra::parse(body)?),
            (kind::PAYLOAD, format::APPLICATION) => {
                Remb::parse(body)?.map_or(Packet::Other, Packet::Remb)
            }
            _ => Packet::Other,
        })
    }
}

/// Takes a big-endian 32-bit number off the front.
fn take_u32(body: &[u8]) -> Result<(u32, &[u8]), RtcpError> {
    let (number, rest) = body.split_first_chunk().ok_or(RtcpError::TooShort)?;
    Ok((u32::from_be_bytes(*number), rest))
}

/// Takes the two SSRCs that feedback begins with (RFC 4585, section 6.1): its sender's, and the
/// media's that it is about.
fn take_ssrcs(body: &[u8]) -> Result<(u32, u32, &[u8]), RtcpError> {
    let (sender, rest) = take_u32(body)?;
    let (media, rest) = take_u32(rest)?;
    Ok((sender, media, rest))
}

/// Appends one message: the header around what `body` appends, filled up with zeros to whole words.
fn write(out: &mut Vec<u8>, count: u8, kind: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0x80 | count & 0x1F, kind, 0, 0]);
    body(out);
    while !(out.len() - start).is_multiple_of(4) {
        out.push(0);
    }
    // No caller writes more than 65,536 words: all split long lists before.
    let words = ((out.len() - start) / 4 - 1).min(usize::from(u16::MAX)) as u16;
    if let Some(length) = out.get_mut(start + 2..start + 4) {
        length.copy_from_slice(&words.to_be_bytes());
    }
}

/// Appends feedback: [`write`] with the two SSRCs before the rest.
fn write_feedback(
    out: &mut Vec<u8>,
    format: u8,
    kind: u8,
    ssrcs: (u32, u32),
    body: impl FnOnce(&mut Vec<u8>),
) {
    write(out, format, kind, |out| {
        out.extend_from_slice(&ssrcs.0.to_be_bytes());
        out.extend_from_slice(&ssrcs.1.to_be_bytes());
        body(out);
    });
}

#[cfg(test)]
mod tests;
