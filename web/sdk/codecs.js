/**
 * Which codecs a section offers. Fewer make smaller offers (about 30 % of a large one) and leave the choice to what the server forwards.
 * @module
 */

/**
 * What we can send and decode; which of them is sent the server's answer says. H.264 only in the form that every browser and phone decodes, VP9 and AV1
 * in their main profiles. RED is sound with copies of what went before, against loss.
 */
const WANTED = [
  { mimeType: "audio/opus", fits: () => true },
  { mimeType: "audio/red", fits: () => true },
  { mimeType: "video/vp8", fits: () => true },
  { mimeType: "video/h264", fits: (/** @type {string} */ line) => line.includes("packetization-mode=1") && /profile-level-id=42[ce0]0/i.test(line) },
  { mimeType: "video/vp9", fits: (/** @type {string} */ line) => !/profile-id=[^0]/.test(line) },
  { mimeType: "video/av1", fits: (/** @type {string} */ line) => !/(profile|tier)=[^0]/.test(line) },
  { mimeType: "video/rtx", fits: () => true },
];

/** @param {RTCRtpTransceiver} transceiver */
export function preferCodecs(transceiver) {
  const kind = transceiver.receiver.track.kind;
  const known = RTCRtpReceiver.getCapabilities?.(kind)?.codecs ?? [];
  const preferred = WANTED.flatMap(({ mimeType, fits }) =>
    known.filter((codec) => codec.mimeType.toLowerCase() === mimeType && fits(codec.sdpFmtpLine ?? "")),
  );
  if (preferred.length === 0) return;
  try {
    transceiver.setCodecPreferences(preferred);
  } catch {
    // A browser that can't be told offers everything, which is as correct and only larger.
  }
}
