//! The pair of addresses that a datagram travels between, and by what.

use std::fmt;
use std::net::SocketAddr;

/// What carries the datagrams.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Protocol {
    Udp,
    /// A connection of the client's to us, datagrams framed by their length (RFC 6544, RFC 4571).
    Tcp,
}

/// Our address and theirs. Replies leave from `local`, the address that the request came to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tuple {
    pub protocol: Protocol,
    pub local: SocketAddr,
    pub remote: SocketAddr,
}

/// Addresses identify people: they stay out of logs and panics.
impl fmt::Debug for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tuple(..)")
    }
}
