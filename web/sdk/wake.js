/**
 * The moments at which it is worth to look at once whether everything still stands: the network came or changed, the page is shown
 * again, the device woke up.
 * @module
 */

/** Timers that come so much too late tell of a device that was asleep. */
const ASLEEP = 3000;
const LOOK_EVERY = 1000;

/**
 * @param {() => void} callback
 * @returns {() => void} stops it
 */
export function onWake(callback) {
  const stop = new AbortController();
  const { signal } = stop;
  globalThis.addEventListener?.("online", callback, { signal });
  globalThis.addEventListener?.("pageshow", callback, { signal });
  globalThis.document?.addEventListener("visibilitychange", () => document.visibilityState === "visible" && callback(), { signal });
  const { connection } = /** @type {{ connection?: EventTarget }} */ (globalThis.navigator ?? {});
  connection?.addEventListener?.("change", callback, { signal });
  let last = Date.now();
  const look = setInterval(() => {
    const now = Date.now();
    if (now - last > LOOK_EVERY + ASLEEP) callback();
    last = now;
  }, LOOK_EVERY);
  return () => {
    clearInterval(look);
    stop.abort();
  };
}
