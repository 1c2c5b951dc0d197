//! Source descriptions (RFC 3550, section 6.5), of which only the CNAME is of use.

use super::{MAX_COUNT, RtcpError, kind, take_u32};

const CNAME: u8 = 1;

/// A view of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceDescription<'a> {
    chunks: &'a [u8],
    count: u8,
}

impl<'a> SourceDescription<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        let mut rest = body;
        for _ in 0..count {
            rest = Chunk::split(rest)?.rest;
        }
        Ok(Self {
            chunks: body,
            count,
        })
    }

    /// Each described SSRC that has a CNAME, with it.
    pub fn cnames(&self) -> impl Iterator<Item = (u32, &'a [u8])> + use<'a> {
        let mut rest = self.chunks;
        (0..self.count).filter_map(move |_| {
            let chunk = Chunk::split(rest).ok()?;
            rest = chunk.rest;
            Some((chunk.ssrc, chunk.cname?))
        })
    }
}

struct Chunk<'a> {
    ssrc: u32,
    cname: Option<&'a [u8]>,
    /// What follows the chunk.
    rest: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// Items end with a zero byte, the chunk at a whole word.
    fn split(chunk: &'a [u8]) -> Result<Self, RtcpError> {
        let (ssrc, items) = take_u32(chunk)?;
        let mut cname = None;
        let mut rest = items;
        loop {
            match rest {
                [0, ..] => break,
                [kind, len, after @ ..] => {
                    let item = after.split_at_checked(usize::from(*len));
                    let (value, after) = item.ok_or(RtcpError::TooShort)?;
                    if *kind == CNAME {
                        cname = Some(value);
                    }
                    rest = after;
                }
                _ => return Err(RtcpError::TooShort),
            }
        }
        let used = (items.len() - rest.len() + 1).next_multiple_of(4);
        let rest = items.get(used..).ok_or(RtcpError::TooShort)?;
        Ok(Self { ssrc, cname, rest })
    }
}

/// Appends one with the CNAME of each source, of which 255 bytes can be said; as many as it takes
/// for more than 31.
pub fn write(out: &mut Vec<u8>, sources: &[(u32, &str)]) {
    for sources in sources.chunks(MAX_COUNT) {
        super::write(out, sources.len() as u8, kind::SOURCE_DESCRIPTION, |out| {
            for (ssrc, cname) in sources {
                let start = out.len();
                let (cname, _) = cname.as_bytes().split_at(cname.len().min(255));
                out.extend_from_slice(&ssrc.to_be_bytes());
                out.extend_from_slice(&[CNAME, cname.len() as u8]);
                out.extend_from_slice(cname);
                let len = (out.len() - start + 1).next_multiple_of(4);
                out.resize(start + len, 0);
            }
        });
    }
}
