//! ICE, the answering side of a lite agent (RFC 8445 section 2.5): we offer host candidates, answer the client's
//! checks and let it choose. No check is ever sent from here.
//!
//! A tuple is *validated* once an authenticated check on it was answered; the *selected* one carries media. Consent
//! (RFC 7675) is turned round, as a lite agent has no requests of its own: it lasts while authenticated requests come.

mod agent;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use crate::tuple::Tuple;

pub use agent::Agent;

/// After this long without an authenticated request nothing more is sent (RFC 7675 section 5.1).
pub const CONSENT_TIMEOUT: Duration = Duration::from_secs(30);

/// How many validated tuples an agent remembers.
pub const MAX_TUPLES: usize = 16;

/// A username fragment and password (RFC 8445 section 5.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Names the side, and with it the peer, in the username of a check.
    pub ufrag: String,
    /// Key of the checks that this side receives.
    pub pwd: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// What became of a STUN message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was written: whoever can't authenticate hears nothing.
    Dropped(DropReason),
    /// The request is authentic and can't be accepted: an error, no larger than the request, was written.
    Rejected,
    /// A success reply was written.
    Answered(Answered),
}

/// Why a message was dropped; for counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DropReason {
    /// Not a Binding request. Indications keep NAT bindings alive and prove nothing.
    NotACheck,
    /// FINGERPRINT, which ICE demands (RFC 8445 section 7.1), is missing or wrong.
    Fingerprint,
    /// USERNAME is missing, or is not both ufrags of a generation.
    Username,
    /// MESSAGE-INTEGRITY is missing or wrong.
    Integrity,
    /// The error reply would be larger than the request.
    TooSmall,
}

/// What an accepted request changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// The tuple was not validated before.
    pub newly_validated: bool,
    /// [`Agent::selected`] differs from before the request.
    pub selected_changed: bool,
    /// An ICE restart took effect: the old ufrag is gone, and every old tuple but, maybe, this one.
    pub restarted: bool,
    /// Consent was lost before the request.
    pub consent_regained: bool,
    /// The tuple that left to make room.
    pub evicted: Option<Tuple>,
}

/// What the passing of time changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentChange {
    /// No tuple has consent any more, and none is selected until the next authenticated request.
    Lost,
    /// The selected tuple went silent while another is alive: that one is selected now.
    Moved,
}
