//! Tests of the messages; here what they share.

mod browsers;
mod messages;
mod properties;
mod vectors;

use std::net::SocketAddr;

use super::*;

const TX: TransactionId = TransactionId([
    0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
]);

fn key() -> IntegrityKey {
    IntegrityKey::new("VOkJxbRl1RmTxUk/WvJxBt")
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A check as a browser sends it.
fn check() -> Vec<u8> {
    let mut out = Vec::new();
    let request = BindingRequest {
        transaction: TX,
        username: "evtj:h6vY",
        priority: 0x6e00_01ff,
        controlling: Some(0x932f_f9b1_5126_3b36),
        controlled: None,
        use_candidate: true,
    };
    request.write(&key(), &mut out);
    out
}

/// A message of these attributes, closed with integrity and fingerprint.
fn message(attributes: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(Class::Request, TX, &mut out);
    for (kind, value) in attributes {
        writer.attribute(*kind, &[value]);
    }
    writer.finish(Some(&key()));
    out
}
