/**
 * The list: who waits on top, longest first, then who is inside. A row has a name, how long, and what can be done.
 * @module
 */
import { chime } from "../shared/chime.js";
import { fill, h, say } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { announce } from "../shared/live.js";
import { text } from "../shared/text/index.js";
import { actionsOn } from "./actions.js";
import { WaitingSince } from "./waiting-since.js";

/** @typedef {import("../sdk/call.js").Call} Call */
/** @typedef {import("../sdk/remote.js").Participant} Participant */
/** @typedef {import("../shared/page.js").Page} Page */
/** @typedef {{ element: HTMLElement, time: HTMLElement, key: string }} Row */

const MINUTE = 60_000;
/** How often the waiting minutes are looked at. */
const TICK = 5000;

export class PeopleList {
  #page;
  #call;
  #since;
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #waitingRows = h("ul", { class: "rows", role: "list" });
  #insideRows = h("ul", { class: "rows", role: "list" });
  #nobody = h("p", { class: "hint" }, text.clinic.nobodyWaits);
  #count = h("span", { class: "count", hidden: true });
  #insideCount = h("h2", {});
  #self = h("p", { class: "row-self" });
  #inside = h("section", { hidden: true, "data-testid": "roster-list" }, this.#insideCount, this.#insideRows, this.#self);
  /** @type {Set<string> | null} null before the first look: who waited already is no news */
  #known = null;
  #timer;
  element = h(
    "aside",
    { class: "people", "aria-label": text.clinic.people },
    h("h1", { tabindex: "-1" }, text.clinic.people, this.#count),
    this.#nobody,
    this.#waitingRows,
    this.#inside,
  );

  /** @param {Page} page @param {Call} call */
  constructor(page, call) {
    this.#page = page;
    this.#call = call;
    this.#since = new WaitingSince();
    this.#timer = setInterval(() => this.#tick(), TICK);
  }

  get waiting() {
    return this.#known?.size ?? 0;
  }

  get inside() {
    return this.#insideRows.childElementCount;
  }

  close() {
    clearInterval(this.#timer);
  }

  update() {
    const others = this.#call.participants.filter((one) => !one.self);
    const waiting = this.#since.order(others.filter((one) => one.waiting));
    const inside = others.filter((one) => !one.waiting);
    const focused = [...this.#rows].find(([, row]) => row.element.contains(document.activeElement))?.[0];
    this.#place(this.#waitingRows, waiting);
    this.#place(this.#insideRows, inside);
    for (const [id, row] of this.#rows) {
      if (others.some((one) => one.id === id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    this.#inside.hidden = inside.length === 0;
    say(this.#insideCount, text.roster.count(inside.length + 1));
    say(this.#self, `${text.roster.self(this.#call.name)}, ${text.roles[this.#call.role] ?? this.#call.role}`);
    if (focused !== undefined) this.#keepFocus(focused);
    // Others than hosts are not told who waits.
    this.#nobody.hidden = waiting.length > 0 || !this.#call.isHost;
    this.#count.hidden = waiting.length === 0;
    say(this.#count, text.clinic.waitingCount(waiting.length));
    document.title = `${waiting.length > 0 ? `${text.clinic.tabWaiting(waiting.length)} – ` : ""}${text.clinic.people} – ${text.product}`;
    this.#news(waiting);
    this.#tick();
  }

  /**
   * Who pressed a button by keyboard stays at the same person; with the person gone, at the head of the list.
   * @param {string} id
   */
  #keepFocus(id) {
    const row = this.#rows.get(id)?.element;
    if (row?.contains(document.activeElement)) return;
    /** @type {HTMLElement | null} */ (row?.querySelector("button") ?? this.element.querySelector("h1"))?.focus({ preventScroll: row === undefined });
  }

  /** @param {Participant[]} waiting */
  #news(waiting) {
    const arrived = waiting.filter((one) => this.#known !== null && !this.#known.has(one.id));
    this.#known = new Set(waiting.map((one) => one.id));
    if (arrived.length === 0) return;
    announce(arrived.map((one) => text.clinic.arrived(one.name)).join(" "));
    void chime();
  }

  #tick() {
    for (const [id, row] of this.#rows) {
      const waited = this.#since.waited(id);
      say(row.time, waited === null ? "" : text.clinic.minutes(Math.floor(waited / MINUTE)));
    }
  }

  /**
   * Puts the rows in order, touching only what changed: the button under a finger must not move or lose the focus.
   * @param {HTMLElement} list
   * @param {Participant[]} people
   */
  #place(list, people) {
    people.forEach((person, index) => {
      const row = this.#row(person);
      if (list.children[index] !== row.element) list.insertBefore(row.element, list.children[index] ?? null);
    });
  }

  /** @param {Participant} person @returns {Row} */
  #row(person) {
    const key = JSON.stringify([person.name, person.role, person.state, person.waiting, person.removed_before, actionsOn(person, this.#call.isHost)]);
    let row = this.#rows.get(person.id);
    if (row?.key === key) return row;
    row ??= { element: h("li", {}), time: h("span", { class: "row-time" }), key };
    row.key = key;
    const { waiting } = person;
    row.element.className = waiting ? "row waiting" : "row";
    row.element.dataset.participant = person.id;
    const state = text.clinic.states[person.state] ?? person.state;
    fill(
      row.element,
      h("div", { class: "row-who" }, h("strong", { class: "row-name" }, person.name), h("span", { class: "row-role" }, text.roles[person.role] ?? person.role)),
      h(
        "div",
        { class: "row-state" },
        waiting && h("strong", { class: "tag" }, text.clinic.waiting),
        row.time,
        (!waiting || person.state === "reconnecting") && h("span", {}, state),
        waiting && person.removed_before === true && h("span", {}, text.clinic.removedBefore),
      ),
      h("div", { class: "row-actions" }, ...this.#actions(person)),
    );
    this.#rows.set(person.id, row);
    return row;
  }

  /** @param {Participant} person @returns {HTMLElement[]} */
  #actions(person) {
    const call = this.#call;
    const { id, name } = person;
    const { clinic } = text;
    /** @type {Record<import("./actions.js").Action, () => HTMLElement>} */
    const buttons = {
      admit: () => this.#button("admit", clinic.admit, name, "go", () => call.admit(id), "admit"),
      deny: () => this.#button("deny", clinic.deny, name, "quiet", () => call.deny(id)),
      release: () => this.#button("release", clinic.release, name, "go", () => call.release(id)),
      hold: () => this.#button("hold", clinic.hold, name, "quiet", () => call.hold(id)),
      "to-lobby": () => this.#button("to-lobby", clinic.toLobby, name, "quiet", () => call.toLobby(id)),
      remove: () => this.#button("remove", clinic.remove, name, "danger-quiet", () => call.remove(id)),
    };
    return actionsOn(person, call.isHost).map((action) => buttons[action]());
  }

  /**
   * @param {string} testid
   * @param {string} label
   * @param {string} name whom it concerns, for who hears the button without the row
   * @param {string} look
   * @param {() => boolean} act
   * @param {import("../shared/icons.js").IconName} [iconName]
   */
  #button(testid, label, name, look, act, iconName) {
    const onclick = () => this.#page.sent(act());
    return h(
      "button",
      { type: "button", class: `button ${look}`, "data-testid": testid, "aria-label": `${label}: ${name}`, onclick },
      iconName ? icon(iconName) : null,
      label,
    );
  }
}
