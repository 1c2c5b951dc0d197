//! Redundant audio: nothing panics, nothing is read twice, and nothing is left over.
#![no_main]

use libfuzzer_sys::fuzz_target;
use venterom_wire::red::{MOST_COPIES, Red};

fuzz_target!(|payload: &[u8]| {
    if let Some(red) = Red::parse(payload) {
        assert!(red.copies().len() <= MOST_COPIES);
        let copied: usize = red.copies().iter().map(|copy| copy.payload.len()).sum();
        let headers = 4 * red.copies().len() + 1;
        assert_eq!(headers + copied + red.primary.payload.len(), payload.len());
    }
});
