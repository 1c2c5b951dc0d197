/**
 * Where we stand in the room, and whether we may send: a pure state machine over what the server says and what we ask.
 * Closing never waits; opening waits until the server has said all of where we stand.
 * @module
 */

/** @typedef {import("./messages.js").Lobby} Lobby */
/** @typedef {import("./messages.js").Pause} Pause */
/** @typedef {import("./messages.js").ServerMessage} ServerMessage */
/** @typedef {"connecting" | "lobby" | "call" | "paused" | "held" | "reconnecting" | "ended" | "error"} CallState */

export class Standing {
  /** @type {"connecting" | "lobby" | "admitted" | "ended" | "error"} */
  #phase = "connecting";
  #held = false;
  /** @type {Pause | null} what the server says */
  #paused = null;
  /** @type {Pause | null} what we asked for, and the server has not confirmed */
  #pausing = null;
  /** @type {Lobby | null} */
  #lobby = null;
  /** Between `joined` and the first word about where we stand, and while there is no connection. */
  #syncing = true;
  #everSynced = false;
  #mediaDown = false;
  #open = false;

  /** Whether what we publish may leave the browser. */
  get open() {
    return this.#open;
  }

  get over() {
    return this.#phase === "ended" || this.#phase === "error";
  }

  get held() {
    return this.#held;
  }

  /** The pause that holds, or the one we asked for. */
  get pause() {
    return this.#paused ?? this.#pausing;
  }

  /** A pause of ours that the server may not know of. */
  get pausing() {
    return this.#pausing;
  }

  get lobby() {
    return this.#phase === "lobby" ? this.#lobby : null;
  }

  /** @returns {CallState} */
  get state() {
    if (this.#phase === "ended" || this.#phase === "error") return this.#phase;
    if (this.#syncing) return this.#everSynced ? "reconnecting" : "connecting";
    if (this.#phase === "lobby") return "lobby";
    if (this.#mediaDown) return "reconnecting";
    if (this.#held) return "held";
    return this.pause === null ? "call" : "paused";
  }

  /** A connection has joined: what comes now is the whole state. */
  joined() {
    this.#syncing = true;
    this.#settle();
  }

  /** The connection is lost. Media goes on as it was. */
  down() {
    this.#syncing = true;
    this.#settle();
  }

  /** @param {boolean} down the path for sound and picture is broken */
  media(down) {
    this.#mediaDown = down;
    this.#settle();
  }

  /** @param {Pause} pause we ask for it, and close at once */
  ask(pause) {
    this.#pausing = pause;
    this.#settle();
  }

  /** The server declined our pause. */
  declined() {
    this.#pausing = null;
    this.#settle();
  }

  /** @param {"ended" | "error"} phase */
  finish(phase) {
    this.#phase = phase;
    this.#settle();
  }

  /** @param {ServerMessage} message one that says where we stand; others change nothing */
  receive(message) {
    if (this.over) return;
    switch (message.type) {
      case "lobby":
        this.#phase = "lobby";
        this.#lobby = { position: message.position, waiting: message.waiting, notice: message.notice ?? null };
        this.#clear();
        this.#synced();
        break;
      case "admitted":
        this.#phase = "admitted";
        // At the start of the whole state; a hold or a pause that still is comes right behind.
        if (this.#syncing) this.#clear(this.#pausing);
        break;
      case "held":
      case "released":
        this.#held = message.type === "held";
        break;
      case "paused":
        this.#paused = { by: message.by ?? null, reason: message.reason ?? "" };
        this.#pausing = null;
        break;
      case "resumed":
        this.#paused = this.#pausing = null;
        break;
      case "participants":
      case "tracks":
        this.#synced();
        break;
    }
    this.#settle();
  }

  /** @param {Pause | null} [pausing] a wish of ours outlives the loss of a connection */
  #clear(pausing = null) {
    this.#held = false;
    this.#paused = null;
    this.#pausing = pausing;
  }

  #synced() {
    this.#syncing = false;
    this.#everSynced = true;
  }

  #settle() {
    const may = this.#phase === "admitted" && !this.#held && this.pause === null;
    this.#open = may && (this.#open || !this.#syncing);
  }
}
