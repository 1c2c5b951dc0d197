//! What the engine tells the node.

use crate::command::{PeerId, TrackId};

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A DTLS datagram from an address of the peer that ICE has validated.
    DtlsReceived { peer: PeerId, datagram: Vec<u8> },
    /// The peer's first address was validated.
    Validated { peer: PeerId },
    /// What is sent to the peer now goes to another address.
    PathChanged { peer: PeerId },
    /// No authenticated Binding request for so long that nothing more is sent (RFC 7675).
    ConsentLost { peer: PeerId },
    /// The peer's checks are back.
    ConsentRegained { peer: PeerId },
    /// The first packet of a track arrived while it could pass.
    TrackStarted { track: TrackId },
    /// How loud audio tracks that pass have been since the last of these, in -dBov (RFC 6464): those that were not silent,
    /// of rooms in which somebody hears them.
    Levels { levels: Vec<(TrackId, u8)> },
}
