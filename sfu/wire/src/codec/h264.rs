//! H.264 (RFC 6184), packetization modes 0 and 1: single NAL units, STAP-A and FU-A.

const IDR: u8 = 5;
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// A sequence parameter set, or the first slice of an IDR picture, in any of the three packet forms
/// (sections 5.6 to 5.8).
pub(super) fn starts_keyframe(payload: &[u8]) -> bool {
    let Some((header, rest)) = payload.split_first() else {
        return false;
    };
    match header & 0x1F {
        STAP_A => aggregate_starts(rest),
        FU_A => match rest {
            [fragment, rest @ ..] if fragment & 0x80 != 0 => unit_starts(*fragment, rest),
            _ => false,
        },
        _ => unit_starts(*header, rest),
    }
}

fn unit_starts(header: u8, rest: &[u8]) -> bool {
    match header & 0x1F {
        SPS => true,
        // A picture has one packet or more a slice: the first has first_mb_in_slice 0, whose
        // Exp-Golomb code is a set bit.
        IDR => rest.first().is_some_and(|byte| byte & 0x80 != 0),
        _ => false,
    }
}

fn aggregate_starts(mut rest: &[u8]) -> bool {
    while let Some((size, after)) = rest.split_first_chunk() {
        let Some((unit, after)) = after.split_at_checked(usize::from(u16::from_be_bytes(*size)))
        else {
            return false;
        };
        if let Some((header, body)) = unit.split_first()
            && unit_starts(*header, body)
        {
            return true;
        }
        rest = after;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::starts_keyframe;

    #[test]
    fn table() {
        let rows: &[(&str, &[u8], bool)] = &[
            ("SPS", &[0x67, 0x42, 0xE0, 0x1F], true),
            ("PPS", &[0x68, 0xCE], false),
            ("IDR, first slice", &[0x65, 0x88, 0x80], true),
            ("IDR, later slice", &[0x65, 0x42, 0x80], false),
            ("IDR, nothing in it", &[0x65], false),
            ("delta slice", &[0x41, 0x9A], false),
            ("SEI", &[0x06, 0x05], false),
            (
                "STAP-A with SPS",
                &[0x78, 0, 2, 0x67, 0x42, 0, 1, 0x68],
                true,
            ),
            (
                "STAP-A with SPS second",
                &[0x78, 0, 1, 0x09, 0, 2, 0x67, 0x42],
                true,
            ),
            ("STAP-A with PPS", &[0x78, 0, 1, 0x68], false),
            ("STAP-A with IDR", &[0x78, 0, 2, 0x65, 0x88], true),
            (
                "STAP-A longer than the packet",
                &[0x78, 0, 9, 0x67, 0x42],
                false,
            ),
            ("STAP-A with empty units", &[0x78, 0, 0, 0, 0], false),
            ("STAP-A cut in a size", &[0x78, 0], false),
            ("FU-A, IDR start", &[0x7C, 0x85, 0x88], true),
            (
                "FU-A, IDR start of a later slice",
                &[0x7C, 0x85, 0x42],
                false,
            ),
            ("FU-A, IDR middle", &[0x7C, 0x05, 0x88], false),
            ("FU-A, delta start", &[0x7C, 0x81, 0x9A], false),
            ("FU-A, nothing in it", &[0x7C], false),
        ];
        for &(name, payload, expected) in rows {
            assert_eq!(starts_keyframe(payload), expected, "{name}");
        }
    }
}
