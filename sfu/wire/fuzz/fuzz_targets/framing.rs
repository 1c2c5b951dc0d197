//! A stream cut anywhere gives the datagrams of the whole stream, and never holds more than one of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use venterom_wire::framing::{Deframer, HEADER, MAX_FRAME};

fuzz_target!(|input: (Vec<u8>, u8)| {
    let (stream, size) = input;
    let mut whole = Vec::new();
    let mut deframer = Deframer::default();
    let expected = deframer.push(&mut stream.clone(), |datagram| whole.push(datagram.to_vec()));
    let mut came = Vec::new();
    let mut deframer = Deframer::default();
    let mut result = Ok(());
    for part in stream.chunks(usize::from(size).max(1)) {
        result = deframer.push(&mut part.to_vec(), |datagram| came.push(datagram.to_vec()));
        assert!(deframer.held() <= HEADER + MAX_FRAME);
        if result.is_err() {
            break;
        }
    }
    assert_eq!((result, came), (expected, whole));
});
