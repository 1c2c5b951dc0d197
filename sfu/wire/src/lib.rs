//! The wire: moves packets between the people in a room and decides nothing that a person would want to change.
//!
//! [`engine::Engine`] is sans-IO and deterministic: datagrams, commands and time go in, datagrams and events come out.
//! [`shard::Shard`] gives one engine its thread, its sockets and a clock.

#[cfg(test)]
mod captured;
pub mod codec;
pub mod command;
pub mod counters;
pub mod demux;
pub mod engine;
pub mod event;
pub mod framing;
pub mod ice;
pub mod red;
pub mod rtcp;
pub mod rtp;
pub mod seq;
pub mod shard;
pub mod srtp;
pub mod stun;
pub mod time;
pub mod tuple;
pub mod twcc;
