//! The state of one peer's ICE, and what a message or the passing of time changes in it.

use std::fmt;
use std::iter;

use super::{
    Answered, CONSENT_TIMEOUT, ConsentChange, Credentials, DropReason, MAX_TUPLES, Outcome,
};
use crate::stun::{self, Class, IntegrityKey, Message, Method};
use crate::time::Time;
use crate::tuple::Tuple;

/// One set of credentials of both sides; an ICE restart begins the next (RFC 8445 section 9).
struct Generation {
    ufrag: String,
    /// "local:remote", the username of the client's checks (RFC 8445 section 7.2.2).
    username: String,
    key: IntegrityKey,
}

impl Generation {
    fn new(local: Credentials, remote_ufrag: &str) -> Self {
        Self {
            username: format!("{}:{remote_ufrag}", local.ufrag),
            key: IntegrityKey::new(&local.pwd),
            ufrag: local.ufrag,
        }
    }
}

/// A validated tuple.
struct Path {
    tuple: Tuple,
    /// When its last authenticated request came.
    heard: Time,
}

/// Where media goes.
#[derive(Clone, Copy)]
enum Selection {
    /// Nothing validated yet.
    New,
    /// The first validated tuple, before any nomination. (Some browsers' first check lacks USE-CANDIDATE.)
    First(Tuple),
    /// The tuple that the client nominated last.
    Nominated(Tuple),
    /// The connection of the selected tuple was closed, and no other has consent: the next check selects anew.
    Gone(Tuple),
    /// Consent was lost.
    Lost,
}

/// The ICE side of one peer; sans-IO.
pub struct Agent {
    current: Generation,
    /// A restart that the client has not used yet.
    pending: Option<Generation>,
    paths: Vec<Path>,
    selection: Selection,
}

impl Agent {
    /// An agent that awaits checks of the client `remote_ufrag`, made with `local`.
    #[must_use]
    pub fn new(local: Credentials, remote_ufrag: String) -> Self {
        Self {
            current: Generation::new(local, &remote_ufrag),
            pending: None,
            paths: Vec::new(),
            selection: Selection::New,
        }
    }

    /// Begins an ICE restart. What was validated stays usable until the first authenticated request with the new
    /// credentials; then the old ones and their tuples go (RFC 8445 section 9). A restart not yet used is replaced.
    pub fn restart(&mut self, local: Credentials, remote_ufrag: String) {
        self.pending = Some(Generation::new(local, &remote_ufrag));
    }

    /// The ufrags of ours that requests may name now: one, or two during a restart.
    pub fn local_ufrags(&self) -> impl Iterator<Item = &str> {
        iter::once(&self.current)
            .chain(&self.pending)
            .map(|generation| generation.ufrag.as_str())
    }

    /// Takes a STUN message that came on `tuple`, and appends the reply, if there is one, to `out`.
    pub fn receive(
        &mut self,
        now: Time,
        tuple: Tuple,
        message: &Message<'_>,
        out: &mut Vec<u8>,
    ) -> Outcome {
        let (generation, is_new) = match self.authenticate(message) {
            Ok(authenticated) => authenticated,
            Err(reason) => return Outcome::Dropped(reason),
        };
        let start = out.len();
        let key = &generation.key;
        if let Some(fault) = Fault::of(message) {
            match fault {
                Fault::UnknownAttributes(list) => {
                    stun::write_unknown_attributes(message.transaction(), list, key, out);
                }
                Fault::Code(code) => {
                    stun::write_binding_error(message.transaction(), code, Some(key), out)
                }
            }
            if out.len() - start > message.len() {
                out.truncate(start);
                return Outcome::Dropped(DropReason::TooSmall);
            }
            return Outcome::Rejected;
        }
        stun::write_binding_success(message.transaction(), tuple.remote, key, out);
        Outcome::Answered(self.accept(now, tuple, message.use_candidate(), is_new))
    }

    /// Whether an authenticated request came on `tuple`, and it has neither been evicted nor restarted away.
    #[must_use]
    pub fn is_validated(&self, tuple: Tuple) -> bool {
        self.paths.iter().any(|path| path.tuple == tuple)
    }

    /// Where media goes: the tuple nominated last, before any nomination the first validated one. None before that,
    /// and while consent is lost: then nothing may be sent.
    #[must_use]
    pub fn selected(&self) -> Option<Tuple> {
        match self.selection {
            Selection::First(tuple) | Selection::Nominated(tuple) | Selection::Gone(tuple) => {
                Some(tuple)
            }
            Selection::New | Selection::Lost => None,
        }
    }

    /// The validated tuples, at most [`MAX_TUPLES`].
    pub fn tuples(&self) -> impl Iterator<Item = Tuple> {
        self.paths.iter().map(|path| path.tuple)
    }

    /// When [`Agent::handle_timeout`] wants to be called next. It moves later with every request.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Time> {
        let selected = self.selected()?;
        self.paths
            .iter()
            .find(|path| path.tuple == selected)
            .map(Path::expiry)
    }

    /// Lets consent run out.
    pub fn handle_timeout(&mut self, now: Time) -> Option<ConsentChange> {
        if now < self.next_timeout()? {
            return None;
        }
        match self.paths.iter().max_by_key(|path| path.heard) {
            Some(path) if now < path.expiry() => {
                self.selection = Selection::First(path.tuple);
                Some(ConsentChange::Moved)
            }
            _ => {
                self.selection = Selection::Lost;
                Some(ConsentChange::Lost)
            }
        }
    }

    /// The connection of `tuple` was closed. What was selected moves to another tuple that has consent; where there is
    /// none, consent runs out as if the client had fallen silent. Whether the selected tuple is another now.
    pub fn close(&mut self, now: Time, tuple: Tuple) -> bool {
        let was_selected = self.selected() == Some(tuple);
        if was_selected {
            let others = self.paths.iter().filter(|path| path.tuple != tuple);
            match others.max_by_key(|path| path.heard) {
                Some(path) if now < path.expiry() => self.selection = Selection::First(path.tuple),
                _ => {
                    self.selection = Selection::Gone(tuple);
                    return false;
                }
            }
        }
        self.paths.retain(|path| path.tuple != tuple);
        was_selected
    }

    /// Finds the generation that the message authenticates with, and whether it is that of a pending restart. Cheap
    /// checks come first.
    fn authenticate(&self, message: &Message<'_>) -> Result<(&Generation, bool), DropReason> {
        if message.class() != Class::Request || message.method() != Method::Binding {
            return Err(DropReason::NotACheck);
        }
        let username = message.username().ok_or(DropReason::Username)?;
        let (generation, is_new) = match &self.pending {
            Some(pending) if pending.username == username => (pending, true),
            _ if self.current.username == username => (&self.current, false),
            _ => return Err(DropReason::Username),
        };
        if !message.fingerprint_valid() {
            return Err(DropReason::Fingerprint);
        }
        if !message.integrity_valid(&generation.key) {
            return Err(DropReason::Integrity);
        }
        Ok((generation, is_new))
    }

    fn accept(&mut self, now: Time, tuple: Tuple, nominated: bool, is_new: bool) -> Answered {
        let before = self.selected();
        let newly_validated = !self.is_validated(tuple);
        let consent_regained = matches!(self.selection, Selection::Lost);
        let restart = if is_new { self.pending.take() } else { None };
        let restarted = restart.is_some();
        if let Some(generation) = restart {
            self.current = generation;
            self.paths.retain(|path| path.tuple == tuple);
            self.selection = Selection::New;
        }
        self.selection = match self.selection {
            _ if nominated => Selection::Nominated(tuple),
            Selection::New | Selection::Lost | Selection::Gone(_) => Selection::First(tuple),
            kept => kept,
        };
        Answered {
            newly_validated,
            selected_changed: self.selected() != before,
            restarted,
            consent_regained,
            evicted: self.hear(now, tuple),
        }
    }

    /// Notes a request on `tuple`; the stalest tuple that is not selected makes room for one too many.
    fn hear(&mut self, now: Time, tuple: Tuple) -> Option<Tuple> {
        if let Some(path) = self.paths.iter_mut().find(|path| path.tuple == tuple) {
            path.heard = path.heard.max(now);
            return None;
        }
        let mut evicted = None;
        if self.paths.len() >= MAX_TUPLES {
            let selected = self.selected();
            let unselected = self
                .paths
                .iter()
                .enumerate()
                .filter(|(_, path)| Some(path.tuple) != selected);
            let stalest = unselected
                .min_by_key(|(_, path)| path.heard)
                .map(|(index, _)| index);
            evicted = stalest.map(|index| self.paths.swap_remove(index).tuple);
        }
        self.paths.push(Path { tuple, heard: now });
        evicted
    }
}

/// Credentials and addresses stay out of logs.
impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({} tuples)", self.paths.len())
    }
}

impl Path {
    fn expiry(&self) -> Time {
        self.heard + CONSENT_TIMEOUT
    }
}

/// Why an authentic request is not accepted.
enum Fault<'m> {
    UnknownAttributes(&'m [u16]),
    Code(u16),
}

impl<'m> Fault<'m> {
    fn of(message: &'m Message<'_>) -> Option<Self> {
        let unknown = message.unknown_attributes();
        if !unknown.is_empty() {
            return Some(Self::UnknownAttributes(unknown));
        }
        match (message.ice_controlling(), message.ice_controlled()) {
            (Some(_), Some(_)) => Some(Self::Code(400)),
            // A lite agent is always controlled: the client has to change its role (RFC 8445 section 7.3.1.1).
            (None, Some(_)) => Some(Self::Code(487)),
            (_, None) => None,
        }
    }
}
