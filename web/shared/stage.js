/**
 * The call surface: the others large, oneself small, and what is said across all of it (pause, hold, nobody here).
 * @module
 */
import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { selfTile } from "./self-tile.js";
import { text } from "./text/index.js";
import { Tile } from "./tile.js";

/** @typedef {import("../sdk/call.js").Call} Call */
/** @typedef {import("../sdk/devices.js").LocalMedia} LocalMedia */
/** @typedef {{ title: string, lines: string[], icon: import("./icons.js").IconName } | null} Curtain what covers the pictures */

export class Stage {
  #call;
  #self;
  #tiles;
  #grid = h("div", { class: "tiles" });
  #empty = h("div", { class: "stage-empty" });
  #curtain = h("div", { class: "curtain", hidden: true });
  #sound = h("button", { type: "button", class: "button go play-sound", hidden: true }, icon("sound"), text.call.playSound);
  #emptyLines;

  /**
   * @param {Call} call
   * @param {LocalMedia} media
   * @param {() => string[]} emptyLines what to say while nobody else is inside
   */
  constructor(call, media, emptyLines) {
    this.#call = call;
    this.#emptyLines = emptyLines;
    this.#self = selfTile(media);
    // The first tile is always there, so that the place of the face is, too.
    this.#tiles = [this.#newTile()];
    this.element = h("div", { class: "stage" }, this.#grid, this.#empty, this.#curtain, this.#self.element, this.#sound);
  }

  /** @param {Curtain} curtain */
  update(curtain) {
    const others = this.#call.participants.filter((one) => !one.self && !one.waiting);
    while (this.#tiles.length < Math.max(1, others.length)) this.#tiles.push(this.#newTile());
    for (const tile of this.#tiles.splice(Math.max(1, others.length))) {
      tile.show(null);
      tile.element.remove();
    }
    this.#assign(others);
    this.#grid.dataset.count = String(others.length);
    this.#empty.hidden = others.length > 0;
    sayLines(this.#empty, others.length > 0 ? [] : this.#emptyLines());
    this.#self.update({ camera: this.#call.isMuted("camera"), microphone: this.#call.isMuted("microphone") });
    // A pause asked for without a connection must not let a third person hear the others.
    for (const tile of this.#tiles) tile.silence(curtain !== null);
    this.#draw(curtain);
  }

  /** For who paused by keyboard: the button is gone. */
  focusCurtain() {
    this.#curtain.focus();
  }

  /** Keeps who has a tile in it: a face that jumps is a face one loses. @param {import("./tile.js").Participant[]} others */
  #assign(others) {
    const rest = others.filter((one) => !this.#tiles.some((tile) => tile.id === one.id));
    for (const tile of this.#tiles) tile.show(others.find((one) => one.id === tile.id) ?? rest.shift() ?? null);
  }

  #newTile() {
    const tile = new Tile((video) => {
      this.#sound.hidden = false;
      this.#sound.addEventListener("click", () => {
        this.#sound.hidden = true;
        void video.play();
      }, { once: true });
    });
    this.#grid.append(tile.element);
    return tile;
  }

  /** @param {Curtain} curtain */
  #draw(curtain) {
    const focused = this.#curtain === document.activeElement;
    this.#curtain.hidden = curtain === null;
    // The keyboard is not left on what is no more to be seen.
    if (focused && curtain === null) /** @type {HTMLElement | null | undefined} */ (this.element.closest("[data-testid=call]")?.querySelector("h1"))?.focus();
    this.element.classList.toggle("curtained", curtain !== null);
    if (curtain === null) return;
    const key = JSON.stringify(curtain);
    if (this.#curtain.dataset.key === key) return;
    this.#curtain.dataset.key = key;
    // Large text may not fit: then it scrolls, by keyboard too.
    this.#curtain.tabIndex = 0;
    fill(this.#curtain, icon(curtain.icon), h("h2", {}, curtain.title), ...curtain.lines.map((line) => h("p", {}, line)));
  }
}

/**
 * @param {Element} element
 * @param {string[]} lines
 */
function sayLines(element, lines) {
  if (element.childElementCount === lines.length) lines.forEach((line, index) => say(element.children[index], line));
  else fill(element, ...lines.map((line) => h("p", {}, line)));
}
