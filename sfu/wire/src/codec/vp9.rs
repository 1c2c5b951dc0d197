//! VP9 (RFC 9628): the payload descriptor alone.

/// Begin of a frame (B) that is not predicted from another picture (P unset), in the lowest spatial
/// layer (section 4.2).
pub(super) fn starts_keyframe(payload: &[u8]) -> bool {
    let Some(&flags) = payload.first() else {
        return false;
    };
    let (id, predicted, layers, begin) = (flags & 0x80, flags & 0x40, flags & 0x20, flags & 0x08);
    if predicted != 0 || begin == 0 {
        return false;
    }
    if layers == 0 {
        return true;
    }
    let mut at = 1;
    if id != 0 {
        // A set M bit makes the picture id two bytes.
        at += match payload.get(at) {
            Some(byte) if byte & 0x80 != 0 => 2,
            _ => 1,
        };
    }
    // TID, U, SID, D: neither a higher spatial layer nor one that depends on a lower.
    payload.get(at).is_some_and(|byte| byte & 0x0F == 0)
}

#[cfg(test)]
mod tests {
    use super::starts_keyframe;

    #[test]
    fn table() {
        let rows: &[(&str, &[u8], bool)] = &[
            ("begin, not predicted", &[0x08, 0x00], true),
            ("begin, predicted", &[0x48, 0x00], false),
            ("not the begin", &[0x00, 0x00], false),
            ("long picture id, no layers", &[0x88, 0x81, 0x23], true),
            ("base layer", &[0xA8, 0x11, 0x00, 0x00], true),
            (
                "base layer, long picture id",
                &[0xA8, 0x81, 0x11, 0x00, 0x00],
                true,
            ),
            (
                "temporal layer of the base",
                &[0xA8, 0x11, 0x20, 0x00],
                true,
            ),
            ("upper spatial layer", &[0xA8, 0x11, 0x03, 0x00], false),
            (
                "upper spatial layer, long picture id",
                &[0xA8, 0x81, 0x11, 0x02, 0x00],
                false,
            ),
            ("depends on a lower layer", &[0x28, 0x01, 0x00], false),
            ("nothing after I", &[0xA8], false),
            ("no layer byte", &[0xA8, 0x11], false),
        ];
        for &(name, payload, expected) in rows {
            assert_eq!(starts_keyframe(payload), expected, "{name}");
        }
    }
}
