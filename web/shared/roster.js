/**
 * Who is here: a plain list of everybody inside with name and role, oneself too. Nobody is hidden.
 * @module
 */
import { barButton } from "./bar.js";
import { openPanel } from "./dialog.js";
import { fill, h, say } from "./dom.js";
import { text } from "./text/index.js";

/** @typedef {import("../sdk/call.js").Call} Call */

/**
 * A button of the bar that says how many are here, and lists them.
 * @param {Call} call
 * @returns {{ element: HTMLButtonElement, update: () => void }}
 */
export function rosterButton(call) {
  const list = h("ul", { class: "roster", role: "list", "data-testid": "roster-list" });
  const element = barButton({
    testid: "roster",
    icon: "people",
    label: "",
    onClick: () => openPanel({ title: text.roster.title, close: text.more.close, content: [list] }),
  });
  const label = /** @type {HTMLElement} */ (element.querySelector("span"));
  let shown = "";
  const update = () => {
    const here = call.participants.filter((one) => !one.waiting);
    say(label, text.roster.button(here.length));
    const lines = here.map(({ name, role, self, state }) => [
      self ? text.roster.self(name) : name,
      [text.roles[role] ?? role, ...(state === "admitted" ? [] : [text.roster.states[state] ?? ""])].join(", "),
    ]);
    if (shown === JSON.stringify(lines)) return;
    shown = JSON.stringify(lines);
    fill(list, ...lines.map(([name, role]) => h("li", {}, h("strong", {}, name), h("span", {}, role))));
  };
  update();
  return { element, update };
}
