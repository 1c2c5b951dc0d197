//! Generic NACK (RFC 4585, section 6.2.1): packets to send again.

use super::{RtcpError, format, kind, take_ssrcs, write_feedback};

/// How many entries go into one message: with its header it stays within 1,200 bytes.
const MAX_ENTRIES: usize = 290;

/// A view of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nack<'a> {
    /// Who asks.
    pub sender: u32,
    /// The stream.
    pub media: u32,
    entries: &'a [[u8; 4]],
}

impl<'a> Nack<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, RtcpError> {
        let (sender, media, rest) = take_ssrcs(body)?;
        let (entries, _) = rest.as_chunks();
        if entries.is_empty() {
            return Err(RtcpError::TooShort);
        }
        Ok(Self {
            sender,
            media,
            entries,
        })
    }

    /// The sequence numbers in the order of the message: at most 17 for each of its entries,
    /// repeated where it repeats them.
    pub fn lost(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.entries.iter().flat_map(|&[p0, p1, b0, b1]| {
            let first = u16::from_be_bytes([p0, p1]);
            let following = u16::from_be_bytes([b0, b1]);
            // Bit i of BLP is for the packet i + 1 after the first.
            let after = (0..16).filter(move |bit| following >> bit & 1 != 0);
            std::iter::once(first).chain(after.map(move |bit| first.wrapping_add(bit + 1)))
        })
    }
}

/// Appends one that asks for `lost`, best in rising order, which may wrap; none when nothing is
/// lost, more where one would be longer than a datagram should be.
pub fn write(out: &mut Vec<u8>, sender: u32, media: u32, lost: &[u16]) {
    let mut rest = lost;
    while !rest.is_empty() {
        write_feedback(out, format::NACK, kind::TRANSPORT, (sender, media), |out| {
            for _ in 0..MAX_ENTRIES {
                let Some((&first, mut after)) = rest.split_first() else {
                    break;
                };
                let mut following = 0_u16;
                while let Some((&sequence, more)) = after.split_first() {
                    match sequence.wrapping_sub(first) {
                        0 => {}
                        step @ 1..=16 => following |= 1 << (step - 1),
                        _ => break,
                    }
                    after = more;
                }
                out.extend_from_slice(&first.to_be_bytes());
                out.extend_from_slice(&following.to_be_bytes());
                rest = after;
            }
        });
    }
}
