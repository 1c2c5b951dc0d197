/**
 * Keeps the screen on while somebody waits or talks, where the browser can.
 * @module
 */

/** @type {WakeLockSentinel | null} */
let lock = null;
let wanted = false;

/** @param {boolean} on */
export function keepAwake(on) {
  wanted = on;
  void apply();
}

async function apply() {
  try {
    if (wanted && lock === null && document.visibilityState === "visible") {
      lock = (await navigator.wakeLock?.request("screen")) ?? null;
      lock?.addEventListener("release", () => (lock = null));
    } else if (!wanted) {
      await lock?.release();
    }
  } catch {
    // Refused when the battery is low; the call works without.
  }
}

// The browser lets go of it whenever the page is hidden.
document.addEventListener("visibilitychange", () => void apply());
