/**
 * Sound that was lost is sent again (RFC 4585). Some browsers can do that, both ways, and do not offer it (Chromium; Safari has the same
 * engine): it is theirs to do once the answer has it, and the server answers only what was offered. So it is written into the offer.
 * @module
 */

const OPUS = /^a=rtpmap:(\d+) opus\/48000\/2\r\n/im;

/**
 * The offer with `nack` for Opus in each section of sound.
 * @param {string} sdp
 * @returns {string}
 */
export function offerRepair(sdp) {
  return sdp
    .split(/^(?=m=)/m)
    .map((section) => {
      const [line, type] = section.match(OPUS) ?? [];
      const nack = `a=rtcp-fb:${type} nack\r\n`;
      return line === undefined || section.includes(nack) ? section : section.replace(line, line + nack);
    })
    .join("");
}
