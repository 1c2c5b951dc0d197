//! VP8 (RFC 7741): the payload descriptor, then the first byte of the frame. Both stay readable
//! under end-to-end encryption.

/// The start of partition 0 of a frame with the inverse key frame flag P unset (sections 4.2 and
/// 4.3).
pub(super) fn starts_keyframe(payload: &[u8]) -> bool {
    match payload.first() {
        Some(first) if first & 0x10 != 0 && first & 0x07 == 0 => {}
        _ => return false,
    }
    let frame = descriptor_len(payload).and_then(|len| payload.get(len));
    frame.is_some_and(|byte| byte & 0x01 == 0)
}

fn descriptor_len(payload: &[u8]) -> Option<usize> {
    let mut len = 1;
    if payload.first()? & 0x80 != 0 {
        let present = payload.get(1)?;
        len = 2;
        if present & 0x80 != 0 {
            // A set M bit makes the picture id two bytes.
            len += if payload.get(2)? & 0x80 != 0 { 2 } else { 1 };
        }
        len += usize::from(present & 0x40 != 0); // TL0PICIDX
        len += usize::from(present & 0x30 != 0); // TID and KEYIDX share a byte
    }
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::starts_keyframe;

    #[test]
    fn table() {
        let rows: &[(&str, &[u8], bool)] = &[
            (
                "bare descriptor, key",
                &[0x10, 0x50, 0x9D, 0x01, 0x2A],
                true,
            ),
            ("bare descriptor, delta", &[0x10, 0x51], false),
            ("not the start of a partition", &[0x00, 0x50], false),
            ("second partition", &[0x11, 0x50], false),
            ("short picture id", &[0x90, 0x80, 0x11, 0x50], true),
            ("long picture id", &[0x90, 0x80, 0x91, 0x11, 0x50], true),
            (
                "long picture id, delta",
                &[0x90, 0x80, 0x91, 0x11, 0x51],
                false,
            ),
            (
                "all fields",
                &[0x90, 0xE0, 0x91, 0x11, 0x01, 0x20, 0x50],
                true,
            ),
            (
                "all fields and KEYIDX",
                &[0x90, 0xF0, 0x91, 0x11, 0x01, 0x20, 0x50],
                true,
            ),
            ("KEYIDX alone", &[0x90, 0x10, 0x01, 0x50], true),
            ("nothing after X", &[0x90], false),
            ("nothing after I", &[0x90, 0x80], false),
            ("nothing after the descriptor", &[0x90, 0x80, 0x11], false),
            ("no frame", &[0x10], false),
        ];
        for &(name, payload, expected) in rows {
            assert_eq!(starts_keyframe(payload), expected, "{name}");
        }
    }
}
