/**
 * Whether this browser can hold a call at all.
 * @module
 */

/**
 * @returns {"unsupported" | "insecure" | null} null when everything needed is there
 */
export function whatIsMissing() {
  if (typeof RTCPeerConnection !== "function" || typeof WebSocket !== "function") return "unsupported";
  if (!("replaceTrack" in RTCRtpSender.prototype) || !("addTransceiver" in RTCPeerConnection.prototype)) return "unsupported";
  if (!globalThis.isSecureContext) return "insecure";
  if (typeof navigator.mediaDevices?.getUserMedia !== "function") return "unsupported";
  return null;
}
