/**
 * The way to the signalling server over the life of a call: joins with a grant, keeps the seat, and comes back with it when the
 * WebSocket is lost. Media does not pass here and goes on meanwhile.
 * @module
 */
import { backoff } from "./backoff.js";
import { Connection } from "./connection.js";
import { CallError, codeOf } from "./errors.js";
import { knock } from "./knock.js";
import { onWake } from "./wake.js";

/** @typedef {import("./messages.js").Joined} Joined */
/** @typedef {import("./messages.js").ServerMessage} ServerMessage */
/** @typedef {{ wsUrl: string, grant: string }} Admission */

/** Who has never been inside hears after so many tries (some 8 s) that there is no way; who has been comes back however long it takes. */
const FIRST_TRIES = 5;
/** A connection that takes so long to open may hang in a path that is gone, while a new one would open at once. */
const HANGS_AFTER = 1500;
/** Once the server answers others, an answer to us that was asked for before should be there. */
const SOON = 400;
/** Faults of the moment: the same credential may succeed at the next try. */
const PASSING = new Set(["closed", "network", "timeout", "rate_limited", "internal", "storage_unavailable"]);
/** A grant is good for one join within two minutes; a fresh one mends these. */
const STALE_GRANT = new Set(["grant_replayed", "grant_expired", "grant_revoked"]);

/**
 * @typedef {object} LinkOptions
 * @property {string} wsUrl
 * @property {{ grant: string } | { seat: string }} credential
 * @property {string} [name]
 * @property {() => Promise<Admission>} [renew] fetches a fresh grant
 * @property {Partial<import("./times.js").Times>} [times]
 * @property {(joined: Joined) => void} onJoined after every successful join
 * @property {(message: ServerMessage, command: string | undefined) => void} onMessage
 * @property {() => void} onDown a joined connection was lost
 * @property {(error: CallError) => void} onFatal no further try makes sense
 */

export class Link {
  #options;
  #url;
  #credential;
  /** @type {Connection | null} the connection that has joined */
  #connection = null;
  /** @type {{ connection: Connection, since: number } | null} the one that is being opened */
  #opening = null;
  #everJoined = false;
  #closed = false;
  /** A server that answers a knock and takes no connection is left to the longer waits. */
  #mayKnock = true;
  /** @type {() => void} ends the wait between two tries */
  #hurry = () => {};
  /** @type {() => void} */
  #stopDoubting = () => {};

  /** @param {LinkOptions} options */
  constructor(options) {
    this.#options = options;
    this.#url = options.wsUrl;
    this.#credential = options.credential;
  }

  get url() {
    return this.#url;
  }

  async run() {
    const sleep = onWake(() => this.#wake());
    for (let attempt = 0; !this.#closed; attempt++) {
      if (await this.#once()) attempt = 0;
      if (this.#closed) break;
      if (!this.#everJoined && attempt + 1 >= FIRST_TRIES) this.#fail(new CallError("network"));
      else await this.#wait(attempt);
    }
    sleep();
  }

  /**
   * @param {string} type
   * @param {Record<string, unknown>} [fields]
   * @returns {boolean} false while there is no connection
   */
  send(type, fields) {
    return this.#connection?.send(type, fields) ?? false;
  }

  /**
   * @param {string} type
   * @param {Record<string, unknown>} fields
   * @returns {Promise<ServerMessage>}
   */
  request(type, fields) {
    return this.#connection?.request(type, fields) ?? Promise.reject(new CallError("closed"));
  }

  close() {
    this.#closed = true;
    this.#opening?.connection.close();
    this.#connection?.close();
    this.#connection = null;
    this.#stopDoubting();
    this.#hurry();
  }

  /** Sound and picture come no more: is it the server's word as well? Where others reach it, and we hear nothing, it is. */
  doubt() {
    const connection = this.#connection;
    if (connection === null) return;
    connection.probe();
    this.#stopDoubting();
    this.#stopDoubting = knock(this.#url, () => connection.expect(SOON));
  }

  /** The network may be another one, or back: what hangs is given up, and what seems to stand is asked. */
  #wake() {
    this.#mayKnock = true;
    this.#connection?.probe();
    if (this.#opening !== null && performance.now() - this.#opening.since > HANGS_AFTER) this.#opening.connection.close();
    this.#hurry();
  }

  /** One connection from opening to loss. @returns {Promise<boolean>} whether it had joined */
  async #once() {
    /** @type {(reason: string) => void} */
    let lost = () => {};
    const over = new Promise((resolve) => (lost = resolve));
    const { onMessage, times } = this.#options;
    const connection = new Connection({ url: this.#url, onMessage, onClose: lost, times });
    try {
      await this.#opened(connection);
      const reply = await connection.request("join", { ...this.#credential, name: this.#options.name });
      if (this.#closed || reply.type !== "joined") {
        connection.close();
        if (!this.#closed) this.#options.onMessage(reply, "join");
        return false;
      }
      this.#enter(connection, /** @type {any} */ (reply));
    } catch (error) {
      connection.close();
      if (!this.#closed) await this.#refused(error);
      return false;
    }
    await over;
    this.#stopDoubting();
    if (this.#closed) return true;
    this.#connection = null;
    this.#options.onDown();
    return true;
  }

  /** Until it is open; one that hangs is closed once the server is known to answer others. @param {Connection} connection */
  async #opened(connection) {
    this.#opening = { connection, since: performance.now() };
    let stop = () => {};
    const hanging = setTimeout(() => (stop = knock(this.#url, () => connection.close())), HANGS_AFTER);
    try {
      await connection.opened;
    } finally {
      clearTimeout(hanging);
      stop();
      this.#opening = null;
    }
  }

  /**
   * @param {Connection} connection
   * @param {Joined} joined
   */
  #enter(connection, joined) {
    this.#connection = connection;
    this.#everJoined = this.#mayKnock = true;
    this.#credential = { seat: joined.seat };
    this.#options.onJoined(joined);
  }

  /** @param {unknown} error */
  async #refused(error) {
    const code = codeOf(error);
    if (PASSING.has(code)) return;
    if (!STALE_GRANT.has(code) || this.#options.renew === undefined || "seat" in this.#credential) {
      return this.#fail(error instanceof CallError ? error : new CallError(code));
    }
    try {
      const { wsUrl, grant } = await this.#options.renew();
      this.#url = wsUrl;
      this.#credential = { grant };
    } catch (failure) {
      if (!PASSING.has(codeOf(failure))) this.#fail(failure instanceof CallError ? failure : new CallError(codeOf(failure)));
    }
  }

  /** @param {CallError} error */
  #fail(error) {
    this.close();
    this.#options.onFatal(error);
  }

  /** Until the next try is worth it. @param {number} attempt */
  #wait(attempt) {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        stop();
        this.#hurry = () => {};
        resolve(undefined);
      };
      const timer = setTimeout(done, backoff(attempt));
      const answered = () => {
        this.#mayKnock = false;
        done();
      };
      const stop = this.#mayKnock ? knock(this.#url, answered) : () => {};
      this.#hurry = done;
    });
  }
}
