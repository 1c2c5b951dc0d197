//! What a publisher's payload types become for one viewer.

use crate::codec::Codec;
use crate::command::{Format, SendSlot};

/// One payload type of the publisher's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Translation {
    pub way: Way,
    /// The viewer's payload type of retransmissions.
    pub rtx: Option<u8>,
    from: u8,
}

/// How a payload goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// As it is, under this payload type.
    Same(u8),
    /// Redundant audio (RFC 2198): as it is under `red` where the viewer takes it, else what it is about under `plain`.
    Redundant { red: Option<u8>, plain: u8 },
}

/// The payload types that a viewer's section has a place for.
#[derive(Default)]
pub struct Translations(Vec<Translation>);

impl Translations {
    pub fn new(track: &[Format], section: &SendSlot) -> Self {
        let found = track.iter().filter_map(|from| {
            let same = section.formats.iter().find(|to| to.format == from.format);
            let (way, rtx) = match from.codec {
                // The payload names the payload type of what it holds, so that is part of what makes two the same.
                Codec::Red => {
                    let mut formats = section.formats.iter();
                    let plain = formats.find(|to| to.codec == Codec::Opus)?.payload_type;
                    let red = same.map(|to| to.payload_type);
                    (Way::Redundant { red, plain }, None)
                }
                _ => (Way::Same(same?.payload_type), same?.rtx_payload_type),
            };
            Some(Translation {
                way,
                rtx: rtx.filter(|_| section.rtx_ssrc.is_some()),
                from: from.payload_type,
            })
        });
        Self(found.collect())
    }

    pub fn find(&self, payload_type: u8) -> Option<Translation> {
        let mut known = self.0.iter();
        known
            .find(|translation| translation.from == payload_type)
            .copied()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
