//! AV1 (RTP payload format, section 4.4): the aggregation header alone.

/// The first packet of a coded video sequence (N), which can't continue an OBU of the packet before
/// (Z).
pub(super) fn starts_keyframe(payload: &[u8]) -> bool {
    payload.first().is_some_and(|byte| byte & 0x88 == 0x08)
}

#[cfg(test)]
mod tests {
    use super::starts_keyframe;

    #[test]
    fn table() {
        let rows: &[(&str, &[u8], bool)] = &[
            ("new sequence", &[0x18, 0x0A, 0x0B], true),
            ("no new sequence", &[0x10, 0x32], false),
            ("continues an OBU", &[0x98], false),
            ("continued by the next packet", &[0x68], true),
        ];
        for &(name, payload, expected) in rows {
            assert_eq!(starts_keyframe(payload), expected, "{name}");
        }
    }
}
