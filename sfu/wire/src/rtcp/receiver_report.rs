//! Receiver reports (RFC 3550, section 6.4.2): what arrived.

use super::report_block::ReportBlocks;
use super::{MAX_COUNT, ReportBlock, RtcpError, kind, take_u32};

/// A view of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiverReport<'a> {
    /// The sender of the report.
    pub ssrc: u32,
    blocks: ReportBlocks<'a>,
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        let (ssrc, rest) = take_u32(body)?;
        let blocks = ReportBlocks::parse(count, rest)?;
        Ok(Self { ssrc, blocks })
    }

    /// One a stream.
    pub fn blocks(&self) -> impl ExactSizeIterator<Item = ReportBlock> + use<'a> {
        self.blocks.iter()
    }
}

/// Appends one, also without blocks; as many as it takes for more than 31.
pub fn write(out: &mut Vec<u8>, ssrc: u32, blocks: &[ReportBlock]) {
    let mut rest = blocks;
    loop {
        let (here, more) = rest.split_at(rest.len().min(MAX_COUNT));
        super::write(out, here.len() as u8, kind::RECEIVER_REPORT, |out| {
            out.extend_from_slice(&ssrc.to_be_bytes());
            here.iter().for_each(|block| block.write(out));
        });
        rest = more;
        if rest.is_empty() {
            return;
        }
    }
}
