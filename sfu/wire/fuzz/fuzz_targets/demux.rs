//! What kind of datagram it is, and that each kind's parser takes it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use venterom_wire::demux::{Kind, classify};
use venterom_wire::rtcp::packets;
use venterom_wire::rtp::Header;
use venterom_wire::stun::Message;

fuzz_target!(|datagram: &[u8]| match classify(datagram) {
    Kind::Stun => drop(Message::parse(datagram)),
    Kind::Rtp => drop(Header::parse(datagram)),
    Kind::Rtcp => packets(datagram).for_each(drop),
    Kind::Dtls | Kind::Unknown => {}
});
