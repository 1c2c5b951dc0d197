/**
 * The one error class of the SDK. `code` is stable and meant for programs; `message` is English and meant for logs.
 *
 * Codes of the SDK itself: `unsupported`, `insecure`, `network`, `closed`, `timeout`, `too_big`, `permission_denied`, `no_camera`,
 * `no_microphone`, `device_busy`, `device_failed`. Every other code comes from the server and is listed in signalling/PROTOCOL.md.
 * @module
 */

export class CallError extends Error {
  /**
   * @param {string} code
   * @param {string} [message]
   * @param {ErrorOptions & { details?: Record<string, unknown> }} [options] `details` is what the server told beside the code
   */
  constructor(code, message = code, options) {
    super(message, options);
    this.name = "CallError";
    /** @readonly */
    this.code = code;
    /** @readonly */
    this.details = options?.details ?? {};
  }
}

/**
 * The code of anything thrown; what is no CallError counts as `fallback`.
 * @param {unknown} error
 * @param {string} [fallback]
 * @returns {string}
 */
export function codeOf(error, fallback = "internal") {
  return error instanceof CallError ? error.code : fallback;
}
