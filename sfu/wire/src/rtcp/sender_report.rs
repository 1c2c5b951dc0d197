//! Sender reports (RFC 3550, section 6.4.1): when, on the wall clock, a timestamp was; and what was
//! sent.

use super::report_block::ReportBlocks;
use super::{MAX_COUNT, ReportBlock, RtcpError, kind, receiver_report, take_u32};

/// A view of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderReport<'a> {
    /// The stream that this is about, and the sender of the blocks.
    pub ssrc: u32,
    /// Seconds since 1900 in the upper, fractions in the lower 32 bits.
    pub ntp: u64,
    /// The same moment in timestamp units of the stream.
    pub rtp: u32,
    /// Sent so far.
    pub packets: u32,
    /// Payload sent so far in bytes.
    pub octets: u32,
    blocks: ReportBlocks<'a>,
}

impl<'a> SenderReport<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        let (ssrc, rest) = take_u32(body)?;
        let (seconds, rest) = take_u32(rest)?;
        let (fraction, rest) = take_u32(rest)?;
        let (rtp, rest) = take_u32(rest)?;
        let (packets, rest) = take_u32(rest)?;
        let (octets, rest) = take_u32(rest)?;
        Ok(Self {
            ssrc,
            ntp: u64::from(seconds) << 32 | u64::from(fraction),
            rtp,
            packets,
            octets,
            blocks: ReportBlocks::parse(count, rest)?,
        })
    }

    /// What its sender received, as in a receiver report.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = ReportBlock> + use<'a> {
        self.blocks.iter()
    }

    /// The middle 32 bits of the NTP time, as report blocks return it in [`ReportBlock::last_sr`].
    pub const fn middle(&self) -> u32 {
        (self.ntp >> 16) as u32
    }
}

/// Appends one; blocks that are too many for it follow in receiver reports.
pub fn write(
    out: &mut Vec<u8>,
    ssrc: u32,
    ntp: u64,
    rtp: u32,
    packets: u32,
    octets: u32,
    blocks: &[ReportBlock],
) {
    let (here, more) = blocks.split_at(blocks.len().min(MAX_COUNT));
    super::write(out, here.len() as u8, kind::SENDER_REPORT, |out| {
        out.extend_from_slice(&ssrc.to_be_bytes());
        out.extend_from_slice(&ntp.to_be_bytes());
        for word in [rtp, packets, octets] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        here.iter().for_each(|block| block.write(out));
    });
    if !more.is_empty() {
        receiver_report::write(out, ssrc, more);
    }
}
