// A WebSocket without a network, and time that the test turns by hand.
export class FakeSocket {
  /** @type {FakeSocket[]} */
  static made = [];
  /** @type {any[]} */
  sent = [];
  readyState = 0;
  onopen = () => {};
  onclose = () => {};
  onmessage = () => {};

  constructor(url, subprotocol) {
    Object.assign(this, { url, subprotocol });
    FakeSocket.made.push(this);
  }

  static get last() {
    return FakeSocket.made.at(-1);
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
  }

  // What the network does.

  open() {
    this.readyState = 1;
    this.onopen();
  }

  lose(code = 1006) {
    this.readyState = 3;
    this.onclose({ code });
  }

  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }

  /** Answers the latest message of a type. */
  reply(type, message) {
    this.say({ ...message, re: this.sent.findLast((one) => one.type === type).id });
  }
}

/** Lets promises settle that wait for nothing but each other. */
export async function settle() {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** Timers and `performance.now()` move only with `advance`, until the test ends. */
export function handTurnedClock(context) {
  const names = ["setTimeout", "clearTimeout", "setInterval", "clearInterval"];
  const real = Object.fromEntries(names.map((name) => [name, globalThis[name]]));
  const realNow = performance.now;
  const timers = new Map();
  let now = 0;
  let next = 1;
  const set = (every) => (run, delay = 0, ...given) => {
    timers.set(next, { due: now + delay, every: every ? delay : null, run: () => run(...given) });
    return next++;
  };
  const clear = (id) => timers.delete(id);
  Object.assign(globalThis, { setTimeout: set(false), setInterval: set(true), clearTimeout: clear, clearInterval: clear });
  performance.now = () => now;
  context.after(() => {
    Object.assign(globalThis, real);
    performance.now = realNow;
  });
  return {
    async advance(milliseconds) {
      for (const end = now + milliseconds; now < end; ) {
        now += 100;
        for (const [id, timer] of [...timers]) {
          if (timer.due > now || !timers.has(id)) continue;
          if (timer.every === null) timers.delete(id);
          else timer.due += timer.every;
          timer.run();
        }
        await settle();
      }
    },
  };
}

/** Requests by hand: `knocks` holds the addresses asked for, `answer` is what each gets: a status, or null for no answer at all. */
export class FakeServer {
  knocks = [];
  /** @type {number | null} */
  answer = null;

  constructor(context) {
    const real = globalThis.fetch;
    globalThis.fetch = /** @type {any} */ (
      (url, { signal }) => {
        this.knocks.push(url);
        if (this.answer !== null) return Promise.resolve({ status: this.answer });
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));
      }
    );
    context.after(() => (globalThis.fetch = real));
  }
}
