/**
 * Finds out when the server can be reached, by plain requests to the address of its WebSocket. Browsers hold a page back whose WebSockets
 * failed often (Chromium by seconds, Firefox by up to a minute): so a WebSocket is tried only once somebody answers.
 * @module
 */

const EVERY = 800;
/** After the first minute a thousand pages shall not weigh on a network that has other worries. */
const LATER_EVERY = 4000;
const SOON = 75;
/** A request over a broken path may hang for minutes; others are sent meanwhile. */
const WITHIN = 4000;

/**
 * Asks until it is answered, then calls back once.
 * @param {string} url the WebSocket's
 * @param {() => void} onAnswer
 * @returns {() => void} stops it
 */
export function knock(url, onAnswer) {
  const target = url.replace(/^ws/, "http");
  const stop = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let asked = 0;
  const end = () => {
    clearTimeout(timer);
    stop.abort();
  };
  const ask = async () => {
    timer = setTimeout(ask, jittered(asked++ < SOON ? EVERY : LATER_EVERY));
    const one = new AbortController();
    const giveUp = () => one.abort();
    const late = setTimeout(giveUp, WITHIN);
    stop.signal.addEventListener("abort", giveUp);
    try {
      const { status } = await fetch(target, { mode: "no-cors", cache: "no-store", credentials: "omit", signal: one.signal });
      // From another origin the status is hidden, and 0. A proxy that answers for a server that is down is nobody.
      if (status < 500 && !stop.signal.aborted) {
        end();
        onAnswer();
      }
    } catch {
      // Nobody there yet.
    } finally {
      clearTimeout(late);
      stop.signal.removeEventListener("abort", giveUp);
    }
  };
  timer = setTimeout(ask, jittered(EVERY / 2));
  return end;
}

/** @param {number} milliseconds */
function jittered(milliseconds) {
  return milliseconds / 2 + (Math.random() * milliseconds) / 2;
}
