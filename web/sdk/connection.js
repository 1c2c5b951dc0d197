/**
 * One WebSocket to the signalling server: JSON messages, replies matched to requests, and a watch that finds a dead socket.
 * It is used once: when it is lost, the owner makes another.
 * @module
 */
import { CallError } from "./errors.js";
import { TIMES } from "./times.js";

/** @typedef {import("./messages.js").ServerMessage} ServerMessage */

export const SUBPROTOCOL = "venterom.v1";
const LOOK_EVERY = 500;
const OPEN_WITHIN = 10_000;
const REPLY_WITHIN = 15_000;
/** How many commands without a reply of their own are remembered, to name the one that an error answers. */
const REMEMBERED = 32;

/**
 * @typedef {object} ConnectionOptions
 * @property {string} url
 * @property {(message: ServerMessage, command: string | undefined) => void} onMessage whatever answers no request; `command` is what an error answers
 * @property {(reason: string) => void} onClose called once
 * @property {Partial<import("./times.js").Times>} [times]
 * @property {typeof WebSocket} [socketClass]
 */

export class Connection {
  /** @type {Map<number, { resolve: (message: ServerMessage) => void, reject: (error: CallError) => void, timer: ReturnType<typeof setTimeout> }>} */
  #requests = new Map();
  /** @type {Map<number, string>} */
  #commands = new Map();
  #nextId = 1;
  #pinged = 0;
  /** Since when a ping waits for any answer. @type {number | null} */
  #asked = null;
  /** How long the last ping may go without an answer. */
  #patience;
  #closed = false;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #watch;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #opening;
  /** @type {(error: CallError) => void} */
  #refuse = () => {};
  #options;
  #times;
  #socket;

  /** @param {ConnectionOptions} options */
  constructor(options) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#patience = this.#times.pongWithin;
    this.#socket = new (options.socketClass ?? WebSocket)(options.url, SUBPROTOCOL);
    /** Settles when the socket is open, or could not be opened. @type {Promise<void>} */
    this.opened = new Promise((resolve, reject) => {
      this.#refuse = reject;
      this.#opening = setTimeout(() => this.#lose("timeout"), OPEN_WITHIN);
      this.#socket.onopen = () => {
        clearTimeout(this.#opening);
        this.#pinged = performance.now();
        this.#watch = setInterval(() => this.#beat(), LOOK_EVERY);
        resolve();
      };
      this.#socket.onclose = (event) => this.#lose(String(event.code));
    });
    // Who only listens for onClose need not catch this one.
    this.opened.catch(() => {});
    this.#socket.onmessage = (event) => this.#receive(event.data);
  }

  /**
   * Sends a command that has no reply of its own.
   * @param {string} type
   * @param {Record<string, unknown>} [fields]
   * @returns {boolean} false when the connection is not open
   */
  send(type, fields = {}) {
    const id = this.#nextId++;
    this.#commands.set(id, type);
    if (this.#commands.size > REMEMBERED) this.#commands.delete(this.#commands.keys().next().value ?? id);
    return this.#write({ type, id, ...fields });
  }

  /**
   * Sends a message and resolves with its reply; rejects with the server's error code, `timeout` or `closed`.
   * @param {string} type
   * @param {Record<string, unknown>} fields
   * @returns {Promise<ServerMessage>}
   */
  request(type, fields) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(id)?.reject(new CallError("timeout", `no reply to ${type}`)), REPLY_WITHIN);
      this.#requests.set(id, { resolve, reject, timer });
      if (!this.#write({ type, id, ...fields })) this.#settle(id)?.reject(new CallError("closed"));
    });
  }

  /** Something may have happened to the network: finds out soon whether the server still is there. */
  probe() {
    if (this.#closed || this.#socket.readyState !== 1) return;
    this.#patience = this.#times.probeWithin;
    this.#ping(performance.now());
  }

  /** Whatever is asked already has to be answered within this. @param {number} within milliseconds */
  expect(within) {
    if (this.#asked !== null) this.#patience = Math.min(this.#patience, performance.now() - this.#asked + within);
  }

  /** Closes without calling onClose. */
  close() {
    this.#options = { ...this.#options, onClose: () => {}, onMessage: () => {} };
    this.#lose("closed");
  }

  /** @param {Record<string, unknown>} message */
  #write(message) {
    if (this.#closed || this.#socket.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #beat() {
    const now = performance.now();
    // A socket over a lost network stays "open" for minutes; silence after a ping is the only sign. A page that slept has sent none.
    if (this.#asked !== null && now - this.#asked >= this.#patience) return this.#lose("silent");
    if (now - this.#pinged >= this.#times.pingEvery) this.#ping(now);
  }

  /** @param {number} now */
  #ping(now) {
    this.#pinged = now;
    this.#asked ??= now;
    this.#write({ type: "ping", id: this.#nextId++ });
  }

  /** @param {unknown} data */
  #receive(data) {
    if (this.#closed) return;
    this.#asked = null;
    this.#patience = this.#times.pongWithin;
    /** @type {ServerMessage} */
    let message;
    try {
      message = JSON.parse(String(data));
    } catch {
      return;
    }
    const request = message.re === undefined ? undefined : this.#settle(message.re);
    if (request !== undefined) {
      if (message.type === "error") request.reject(new CallError(message.code, message.message));
      else request.resolve(message);
    } else if (message.type !== "pong") {
      this.#options.onMessage(message, message.re === undefined ? undefined : this.#commands.get(message.re));
    }
  }

  /** @param {number} id */
  #settle(id) {
    const request = this.#requests.get(id);
    if (request !== undefined) {
      clearTimeout(request.timer);
      this.#requests.delete(id);
    }
    return request;
  }

  /** @param {string} reason */
  #lose(reason) {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    clearTimeout(this.#opening);
    this.#socket.close();
    this.#refuse(new CallError("network", "the connection could not be opened"));
    for (const id of [...this.#requests.keys()]) this.#settle(id)?.reject(new CallError("closed"));
    this.#options.onClose(reason);
  }
}
