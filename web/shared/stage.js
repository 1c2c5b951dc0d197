/**
 * The call surface: the others large, oneself small, and what is said across all of it (pause, hold, nobody here).
 * @module
 */
import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { arrange, foremost, inSight, spotlight } from "./layout.js";
import { selfTile } from "./self-tile.js";
import { text } from "./text/index.js";
import { Tile } from "./tile.js";

/** @typedef {import("../sdk/call.js").Call} Call */
/** @typedef {import("../sdk/devices.js").LocalMedia} LocalMedia */
/** @typedef {import("../sdk/remote.js").Participant} Participant */
/** @typedef {{ one: Participant, screen: boolean }} Shown a person, or the screen that it shows */
/** @typedef {{ title: string, lines: string[], icon: import("./icons.js").IconName } | null} Curtain what covers the pictures */

/** Between one's own picture and the lower edge, as in call.css. */
const FLOATS = 12;

export class Stage {
  #call;
  #self;
  #tiles;
  #grid = h("div", { class: "tiles" });
  #empty = h("div", { class: "stage-empty" });
  #curtain = h("div", { class: "curtain", hidden: true });
  #sound = h("button", { type: "button", class: "button go play-sound", hidden: true }, icon("sound"), text.call.playSound);
  #emptyLines;
  /** Who is shown large among many. @type {string | null} */
  #large = null;
  /** Who comes first among the others, having spoken out of sight. @type {string[]} */
  #first = [];
  #resized = new ResizeObserver(() => this.#arrange());

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
    this.#resized.observe(this.element);
  }

  close() {
    this.#resized.disconnect();
  }

  /** @param {Curtain} curtain */
  update(curtain) {
    const others = this.#call.participants.filter((one) => !one.self && !one.waiting);
    const shown = others.flatMap((one) => [{ one, screen: false }, ...(one.hasScreen ? [{ one, screen: true }] : [])]);
    while (this.#tiles.length < Math.max(1, shown.length)) this.#tiles.push(this.#newTile());
    this.#assign(shown);
    this.#large = spotlight(this.#large, this.#call.speakers, others.map((one) => one.id));
    this.#grid.dataset.count = String(shown.length);
    this.#arrange();
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

  /** Keeps who has a tile in it: a face that jumps is a face one loses. @param {Shown[]} shown */
  #assign(shown) {
    const has = (/** @type {Tile} */ tile, /** @type {Shown} */ { one, screen }) => tile.id === one.id && tile.screen === screen;
    const rest = shown.filter((each) => !this.#tiles.some((tile) => has(tile, each)));
    for (const tile of this.#tiles) {
      const next = shown.find((each) => has(tile, each)) ?? rest.shift();
      tile.show(next?.one ?? null, next?.screen);
    }
    const [first] = this.#tiles;
    for (const tile of this.#tiles.filter((one) => one.id === null && (one !== first || shown.length > 0))) tile.element.remove();
    const kept = this.#tiles.filter((one) => one.id !== null);
    this.#tiles = kept.length > 0 ? kept : [first];
  }

  /** Places the tiles; none moves within the document, for a picture that is moved stops. */
  #arrange() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const tiles = this.#tiles.filter((tile) => tile.id !== null);
    const screen = tiles.find((tile) => tile.screen);
    const layout = arrange({ width, height }, tiles.length, screen !== undefined);
    const large = layout.large === null ? undefined : (screen ?? tiles.find((tile) => tile.id === this.#large) ?? tiles[0]);
    const beside = layout.large !== null && layout.large.height >= height;
    for (const tile of this.#tiles) tile.element.classList.toggle("large", tile === large);
    this.#order(tiles.filter((tile) => tile !== large), inSight(layout, { width, height }, this.#self.element.offsetHeight + FLOATS));
    const { classList, style } = this.#grid;
    classList.toggle("spotlight", layout.large !== null);
    classList.toggle("beside", beside);
    classList.toggle("small", layout.small);
    style.setProperty("--columns", String(layout.columns));
    style.setProperty("--row", `${layout.row}px`);
    style.setProperty("--large-width", `${layout.large?.width ?? width}px`);
    style.setProperty("--large-height", `${layout.large?.height ?? height}px`);
    style.setProperty("--lines", String(Math.ceil((tiles.length - 1) / layout.columns)));
  }

  /**
   * Whoever speaks is in sight. In the document they keep their places: so does the keyboard, and who hears the page.
   * @param {Tile[]} small in their places
   * @param {number} seen how many of those are in sight
   */
  #order(small, seen) {
    const faces = small.map((tile) => (tile.screen ? null : tile.id));
    this.#first = foremost(this.#first, this.#call.speakers, faces, seen);
    small.forEach(({ element }, index) => (element.style.order = this.#first.some((id) => id === faces[index]) ? "-1" : ""));
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
