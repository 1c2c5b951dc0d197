//! The pair of addresses that a datagram travels between.

use std::fmt;
use std::net::SocketAddr;

/// Our address and theirs. Replies leave from `local`, the address that the request came to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tuple {
    pub local: SocketAddr,
    pub remote: SocketAddr,
}

/// Addresses identify people: they stay out of logs and panics.
impl fmt::Debug for Tuple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tuple(..)")
    }
}
