//! The header of a packet that goes.

use super::ONE_BYTE;

/// The header of a packet that we send.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// See [`super::Header::marker`].
    pub marker: bool,
    /// 0 to 127; the bit above is ignored.
    pub payload_type: u8,
    /// See [`super::Header::sequence`].
    pub sequence: u16,
    /// See [`super::Header::timestamp`].
    pub timestamp: u32,
    /// See [`super::Header::ssrc`].
    pub ssrc: u32,
    /// Ids 1 to 14 with values of 1 to 16 bytes; what the one-byte form can't say is left out.
    pub extensions: &'a [(u8, &'a [u8])],
    /// Room for the elements in bytes, after the block's four-byte preamble: rounded up to whole
    /// words, filled with zeros. One size for all packets of a stream keeps them equally long, as
    /// GSO wants. Elements that need more get more; 0 is as needed.
    pub extension_block: usize,
}

impl Outgoing<'_> {
    /// Appends the header and returns its length in bytes.
    pub fn write(&self, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        let elements = || {
            let fits = |&&(id, value): &&(u8, &[u8])| {
                matches!(id, 1..=14) && matches!(value.len(), 1..=16)
            };
            self.extensions.iter().filter(fits)
        };
        let needed: usize = elements().map(|(_, value)| 1 + value.len()).sum();
        let words = needed
            .max(self.extension_block)
            .div_ceil(4)
            .min(usize::from(u16::MAX)) as u16;
        let block_bit = if words > 0 { 0x10 } else { 0 };
        out.push(0x80 | block_bit);
        out.push(u8::from(self.marker) << 7 | self.payload_type & 0x7F);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.timestamp.to_be_bytes());
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        if words > 0 {
            out.extend_from_slice(&ONE_BYTE.to_be_bytes());
            out.extend_from_slice(&words.to_be_bytes());
            let end = out.len() + 4 * usize::from(words);
            for (id, value) in elements() {
                out.push(id << 4 | (value.len() - 1) as u8);
                out.extend_from_slice(value);
            }
            out.resize(end, 0);
        }
        out.len() - start
    }
}

/// Appends `count` bytes of padding to the packet that is `buffer[start..]` and marks it padded
/// (RFC 3550, section 5.1). Nothing happens for 0, or where no packet is. A packet takes padding
/// once.
pub fn pad(buffer: &mut Vec<u8>, start: usize, count: u8) {
    if count == 0 {
        return;
    }
    let Some(first) = buffer.get_mut(start) else {
        return;
    };
    *first |= 0x20;
    buffer.resize(buffer.len() + usize::from(count) - 1, 0);
    buffer.push(count);
}
