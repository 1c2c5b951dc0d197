/**
 * `sdp_z`: zlib (RFC 1950) in standard base64. A browser's offer is 11 kB for two people and 147 kB for 25; deflated it is 2-3 kB.
 * @module
 */
import { CallError } from "./errors.js";

/** What the server accepts as unpacked SDP, and what we accept of it. */
export const SDP_LIMIT = 256 * 1024;

/** Whether this browser can deflate; if not, SDP is sent as it is. */
export const canDeflate = () => typeof CompressionStream === "function" && typeof DecompressionStream === "function";

/**
 * @param {string} text
 * @returns {Promise<string>}
 */
export async function deflate(text) {
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  let binary = "";
  // In pieces: spreading a large array into one call overflows the stack.
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

/**
 * @param {string} packed
 * @returns {Promise<string>}
 */
export async function inflate(packed) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.byteLength;
    if (size > SDP_LIMIT) {
      void reader.cancel();
      throw new CallError("too_big", "the unpacked SDP is too big");
    }
    text += decoder.decode(value, { stream: true });
  }
}
