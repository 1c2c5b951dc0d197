//! Report blocks, the part that sender and receiver reports share (RFC 3550, section 6.4.1).

use super::RtcpError;

const LEN: usize = 24;

/// What a receiver says of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: u32,
    /// Since the report before, in 1/256.
    pub fraction_lost: u8,
    /// Since the beginning: 24 bits on the wire, where larger numbers stay at the limit. Duplicates
    /// can make it negative.
    pub cumulative_lost: i32,
    /// With the count of wraps in the upper 16 bits.
    pub highest_sequence: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// The middle 32 bits of the NTP time of the last sender report; 0 for none.
    pub last_sr: u32,
    /// Since that report, in 1/65,536 s.
    pub delay_since_last_sr: u32,
}

impl ReportBlock {
    fn parse(block: &[u8; LEN]) -> Self {
        let word = |at: usize| {
            let bytes = block.get(at..).and_then(|rest| rest.first_chunk());
            bytes.map_or(0, |bytes| u32::from_be_bytes(*bytes))
        };
        let loss = word(4);
        Self {
            ssrc: word(0),
            fraction_lost: (loss >> 24) as u8,
            // Shifted up and down again to extend the sign.
            cumulative_lost: ((loss << 8) as i32) >> 8,
            highest_sequence: word(8),
            jitter: word(12),
            last_sr: word(16),
            delay_since_last_sr: word(20),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let lost = self.cumulative_lost.clamp(-0x80_0000, 0x7F_FFFF) as u32 & 0xFF_FFFF;
        let loss = u32::from(self.fraction_lost) << 24 | lost;
        let words = [
            self.ssrc,
            loss,
            self.highest_sequence,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        ];
        for word in words {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }
}

/// The blocks of one report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlocks<'a>(&'a [[u8; LEN]]);

impl<'a> ReportBlocks<'a> {
    /// The first `count` blocks; what follows them is an extension of some profile.
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        let (blocks, _) = body.as_chunks();
        let blocks = blocks
            .get(..usize::from(count))
            .ok_or(RtcpError::TooShort)?;
        Ok(Self(blocks))
    }

    /// In their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ReportBlock> + use<'a> {
        self.0.iter().map(ReportBlock::parse)
    }
}
