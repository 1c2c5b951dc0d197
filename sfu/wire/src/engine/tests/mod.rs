//! The engine in virtual time, against clients that do real STUN and SRTP.

pub(crate) mod bed;
mod bounds;
mod contents;
mod encodings;
mod gates;
mod keyframes;
mod levels;
mod numbers;
mod paths;
mod property;
mod redundancy;
mod repairs;
mod sound;
