//! What browsers sent in a call through this server over a lossy path, for the tests of parsers: a datagram a line, in
//! hexadecimal, RTCP in the clear. Chromium 156 and Firefox ESR 153.

pub(crate) const RTCP: [&str; 2] = [
    include_str!("captured/chromium-rtcp.hex"),
    include_str!("captured/firefox-rtcp.hex"),
];
pub(crate) const STUN: [&str; 2] = [
    include_str!("captured/chromium-stun.hex"),
    include_str!("captured/firefox-stun.hex"),
];

/// Each line's datagram.
pub(crate) fn datagrams(captures: [&str; 2]) -> Vec<Vec<u8>> {
    let byte = |pair: &[u8]| {
        let text = str::from_utf8(pair).expect("ASCII");
        u8::from_str_radix(text, 16).expect("hexadecimal")
    };
    captures
        .iter()
        .flat_map(|capture| capture.lines())
        .map(|line| line.as_bytes().chunks(2).map(byte).collect())
        .collect()
}

/// The datagram with each of its bytes replaced by each other one, and cut at each length.
pub(crate) fn damaged(datagram: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let changed = (0..datagram.len()).flat_map(move |at| {
        (1..=255).map(move |change| {
            let mut bytes = datagram.to_vec();
            bytes[at] ^= change;
            bytes
        })
    });
    let cut = (0..datagram.len()).map(|len| datagram[..len].to_vec());
    changed.chain(cut)
}
