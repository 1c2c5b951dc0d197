/**
 * The way through a page, the same for patient and practitioner: entry, preview, lobby, call, end, and every fault between.
 * What differs (the call's view, words) comes from the page's own app.js.
 * @module
 */
import { CallError, codeOf, join, LocalMedia, SeatStore, whatIsMissing } from "../sdk/index.js";
import { keepAwake } from "./awake.js";
import { Company } from "./company.js";
import { closeDialogs } from "./dialog.js";
import { h, say } from "./dom.js";
import { readEntry, reloadOnNewEntry } from "./entry.js";
import { endedView, faultView, waitView } from "./fault.js";
import { Herald } from "./herald.js";
import { announce, installLiveRegions } from "./live.js";
import { lobby } from "./lobby.js";
import { preview } from "./preview.js";
import { claimsOf } from "./shown-name.js";
import { text } from "./text/index.js";

/** @typedef {import("../sdk/call.js").Call} Call */
/** @typedef {import("../sdk/call.js").CallState} CallState */
/** @typedef {import("./entry.js").Entry} Entry */
/** @typedef {{ element: HTMLElement, title: string, update?: () => void, close?: () => void }} View */
/** @typedef {"preview" | "lobby" | "call" | "paused" | "reconnecting" | "ended" | "error"} PageState */
/**
 * @typedef {object} Parts
 * @property {{ title: string, next: string, join: string }} preview
 * @property {(page: Page, call: Call) => View} call
 * @property {(reason: string) => string} ended the key of `text.ended` for a reason
 */

/** @type {Record<CallState, PageState>} */
const SHOWN_AS = {
  connecting: "preview",
  lobby: "lobby",
  call: "call",
  paused: "paused",
  held: "paused",
  reconnecting: "reconnecting",
  ended: "ended",
  error: "error",
};
/** A break that lasts longer deserves advice. */
const LONG_BREAK = 15_000;
const TOAST = 8000;
/** Connections for sound and picture that fail one after another mean that the network lets none through. */
const BLOCKED_AFTER = 2;
/** Refusals of a seat kept from before a reload: the link may still be good. */
const STALE_SEAT = new Set(["seat_dead", "seat_invalid"]);

export class Page {
  media = new LocalMedia();
  /** @type {Call | null} */
  call = null;
  #parts;
  #root;
  #main = h("div", { class: "view" });
  #banner = h("p", { class: "banner", "data-testid": "banner", hidden: true });
  #toast = h("p", { class: "toast", hidden: true });
  /** @type {View | null} */
  #view = null;
  /** Which view is shown, so that it is kept while only its content changes. */
  #shown = "";
  #blocked = false;
  /** @type {Entry | null} */
  #entry = null;
  /** @type {import("./entry.js").Landing["contact"] | null} */
  #contact = null;
  /** Runs once a break, whatever happens in it. @type {ReturnType<typeof setTimeout> | undefined} */
  #breakTimer;
  #longBreak = false;
  #herald = new Herald(announce);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #toastTimer;

  /**
   * @param {HTMLElement} root carries the state mark
   * @param {Parts} parts
   */
  constructor(root, parts) {
    this.#root = root;
    this.#parts = parts;
  }

  async start() {
    document.documentElement.lang = text.language;
    installLiveRegions();
    reloadOnNewEntry();
    this.#root.replaceChildren(h("div", { class: "said" }, this.#banner, this.#toast), this.#main);
    const missing = whatIsMissing();
    if (missing !== null || typeof HTMLDialogElement !== "function") return this.fail(missing ?? "unsupported");
    this.#followDevices();
    this.#entry = readEntry();
    if (this.#entry === null) return this.fail("link_missing");
    const seats = new SeatStore(this.#entry.key);
    const seat = seats.load();
    if (seat === null) await this.#preview();
    else await this.#resume(seat, seats);
  }

  /**
   * Shows a fault.
   * @param {string} code
   * @param {Record<string, unknown>} [details]
   */
  fail(code, details) {
    this.#mark("error");
    this.#show(`fault:${code}`, () => faultView(code, () => location.reload(), { details, contact: this.#contact }));
  }

  /**
   * Says something in passing, to eye and ear.
   * @param {string} message
   */
  toast(message) {
    say(this.#toast, message);
    this.#toast.hidden = false;
    announce(message);
    clearTimeout(this.#toastTimer);
    this.#toastTimer = setTimeout(() => (this.#toast.hidden = true), TOAST);
  }

  /** For an action the connection did not take. @param {boolean} sent */
  sent(sent) {
    if (!sent) this.toast(text.call.offline);
  }

  // The way in

  async #preview() {
    const { title, next, join: label } = this.#parts.preview;
    /** @type {ReturnType<typeof preview> | undefined} */
    let view;
    this.#mark("preview");
    this.#show("preview", () => (view = preview({ media: this.media, title, next, join: label, onJoin: (name) => this.#enter(name) })));
    void this.#whoIsIt().then((claims) => claims !== null && view?.tell(claims, this.#contact));
    try {
      await this.media.open();
      view?.ready();
    } catch (error) {
      this.fail(codeOf(error, "device_failed"));
    }
  }

  /** What the grant says of the person, where it can be had: whoever can't come in hears so on the way in. */
  async #whoIsIt() {
    if (this.#entry?.landing !== undefined) return this.#land(this.#entry.landing);
    try {
      return claimsOf((await this.#entry?.admission())?.grant ?? "");
    } catch {
      return null;
    }
  }

  /**
   * What a link says of an appointment; what stands in the way now is told at once, not after all questions.
   * @param {() => Promise<import("./entry.js").Landing>} look
   */
  async #land(look) {
    try {
      const landing = await look();
      this.#contact = landing.contact;
      const [first] = landing.obstacles;
      if (first !== undefined) this.#refuse(first.code, { opens_at: landing.opens_at });
      const { me } = landing;
      return me === null ? null : { name: me.name, shown: me.shown_name, size: me.group ? 3 : 2, rename: me.role !== "practitioner" };
    } catch (error) {
      this.#refuse(codeOf(error), error instanceof CallError ? error.details : {});
      return null;
    }
  }

  /**
   * @param {string} code
   * @param {Record<string, unknown>} details
   */
  #refuse(code, details) {
    this.media.close();
    this.fail(code, details);
  }

  /** @param {string | undefined} name the one that others shall see */
  async #enter(name) {
    const entry = this.#entry;
    if (entry === null) return;
    try {
      const { wsUrl, grant } = await entry.admission();
      this.#join({ wsUrl, grant, name, renew: entry.renewable ? () => entry.admission() : undefined });
    } catch (error) {
      this.fail(codeOf(error), error instanceof CallError ? error.details : {});
    }
  }

  /**
   * After a reload: straight back, without the preview.
   * @param {import("../sdk/seat.js").Seat} seat
   * @param {SeatStore} seats
   */
  async #resume(seat, seats) {
    this.#mark("reconnecting");
    this.#show("resume", () => waitView(text.call.resuming));
    try {
      await this.media.open();
    } catch (error) {
      return this.fail(codeOf(error, "device_failed"));
    }
    const call = this.#join({ wsUrl: seat.wsUrl, seat: seat.seat, muted: seat.muted });
    this.#applyMutes(call);
    call.addEventListener("error", (event) => {
      const { code } = /** @type {CustomEvent} */ (event).detail;
      if (!STALE_SEAT.has(code) || this.#entry?.renewable !== true) return;
      seats.clear();
      this.call = null;
      void this.#preview();
    });
  }

  /** @param {Omit<import("../sdk/call.js").JoinOptions, "localStream" | "seats">} way */
  #join(way) {
    const call = join({ ...way, localStream: this.media.stream, seats: new SeatStore(this.#entry?.key ?? "") });
    this.call = call;
    keepAwake(true);
    call.addEventListener("state", (event) => this.#follow(call, /** @type {CustomEvent} */ (event).detail));
    const company = new Company();
    for (const type of ["lobby", "participants", "tracks", "speakers", "paused", "resumed", "held", "released"]) {
      call.addEventListener(type, () => {
        this.#view?.update?.();
        for (const sentence of company.news(call, type)) announce(sentence);
      });
    }
    call.addEventListener("paused", () => this.#herald.paused(call));
    call.addEventListener("mute", (event) => this.#muted(/** @type {CustomEvent} */ (event).detail));
    call.addEventListener("refused", (event) => {
      const { code, command } = /** @type {CustomEvent} */ (event).detail;
      // Whoever pressed nothing has nothing to try again.
      if (command === undefined ? code === "rate_limited" : command !== "mute") this.toast(text.call.refused);
    });
    call.addEventListener("media", (event) => {
      this.#blocked = /** @type {CustomEvent} */ (event).detail.failures >= BLOCKED_AFTER;
      this.#showBreak(call);
    });
    call.addEventListener("error", (event) => {
      const { code } = /** @type {CustomEvent} */ (event).detail;
      this.#over();
      this.fail(code);
    });
    call.addEventListener("ended", (event) => {
      this.#over();
      const which = this.#parts.ended(/** @type {CustomEvent} */ (event).detail.reason);
      this.#show("ended", () => endedView(which, () => location.reload(), this.#entry?.renewable === true));
      announce(text.ended[which]?.title ?? "", { urgently: true });
    });
    return call;
  }

  // What the call's state means for the page

  /**
   * @param {Call} call
   * @param {{ state: CallState, previous: CallState }} change
   */
  #follow(call, { state, previous }) {
    this.#mark(SHOWN_AS[state]);
    if (state === "lobby") {
      this.#show("lobby", () => lobby(this, call));
    } else if (state === "call" || state === "paused" || state === "held") {
      this.#show("call", () => this.#parts.call(this, call));
    }
    this.#showBreak(call);
    this.#herald.follow(call, state, previous);
    this.#view?.update?.();
  }

  /** @param {Call} call */
  #showBreak(call) {
    const broken = call.state === "reconnecting";
    const over = call.state === "ended" || call.state === "error";
    if (!broken) this.#breakOver();
    else this.#breakTimer ??= setTimeout(() => {
      this.#longBreak = true;
      this.#showBreak(call);
    }, LONG_BREAK);
    const { blocked, reconnecting, reconnectingLong } = text.call;
    const words = this.#blocked ? blocked : this.#longBreak ? reconnectingLong : reconnecting;
    this.#banner.hidden = over || !(broken || this.#blocked);
    say(this.#banner, words);
    this.#herald.banner(this.#banner.hidden ? null : words);
  }

  #breakOver() {
    clearTimeout(this.#breakTimer);
    this.#breakTimer = undefined;
    this.#longBreak = false;
  }

  /** @param {{ source: import("../sdk/transport.js").OwnSource, muted: boolean }} change */
  #muted({ source, muted }) {
    if (this.call !== null) this.#applyMutes(this.call);
    const { ownMicrophoneOff, ownMicrophoneOn, ownCameraOff, ownCameraOn } = text.call;
    announce(source === "camera" ? (muted ? ownCameraOff : ownCameraOn) : muted ? ownMicrophoneOff : ownMicrophoneOn);
    this.#view?.update?.();
    // On again, with nothing to show: the device may be back, or another one there.
    if (!muted && this.media.track(source)?.readyState === "ended") void this.#another(source);
  }

  /** A track that is off is off at its root, too: Firefox puts the camera's lamp out. @param {Call} call */
  #applyMutes(call) {
    for (const source of /** @type {const} */ (["microphone", "camera"])) {
      const track = this.media.track(source);
      if (track !== null) track.enabled = !call.isMuted(source);
    }
  }

  #followDevices() {
    this.media.addEventListener("change", (event) => {
      const { source, track } = /** @type {CustomEvent} */ (event).detail;
      this.call?.replaceTrack(source, track);
    });
    this.media.addEventListener("lost", async (event) => {
      const { source } = /** @type {CustomEvent} */ (event).detail;
      if (await this.#another(source)) this.toast(text.call.deviceSwitched);
    });
  }

  /** Takes another device in place of one that is gone. @param {import("../sdk/transport.js").OwnSource} source */
  async #another(source) {
    const switched = await this.media.select(source, undefined).then(() => true, () => false);
    if (switched) return true;
    // The others shall read that it is off, and not wait before a picture that stands still.
    this.call?.mute(source);
    this.toast(text.call.deviceLost);
    return false;
  }

  /** The call is over: nothing of camera and microphone stays open. */
  #over() {
    keepAwake(false);
    this.#banner.hidden = true;
    this.#breakOver();
    this.media.close();
  }

  /** @param {PageState} state */
  #mark(state) {
    this.#root.dataset.state = state;
  }

  /**
   * @param {string} name
   * @param {() => View} make
   */
  #show(name, make) {
    if (this.#shown === name) return;
    closeDialogs();
    this.#view?.close?.();
    const view = make();
    this.#shown = name;
    this.#view = view;
    this.#main.replaceChildren(view.element);
    document.title = `${view.title} – ${text.product}`;
    view.update?.();
    // The keyboard and the screen reader follow the eye to the new page.
    /** @type {HTMLElement | null} */ (view.element.querySelector("h1"))?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}
