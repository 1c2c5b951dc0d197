/**
 * Questions that need an answer. The browser's own dialog keeps the keyboard inside, closes on Escape and gives the focus back.
 * @module
 */
import { h } from "./dom.js";

/** @typedef {{ value: string, label: string, look: "go" | "danger" | "quiet", testid: string }} Answer */

let count = 0;

/**
 * @param {object} question
 * @param {string} question.title
 * @param {string} question.text
 * @param {Answer[]} question.answers the last one is what Escape means
 * @returns {Promise<string>}
 */
export function ask({ title, text, answers }) {
  const id = `dialog-${++count}`;
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": `${id}-title`, "aria-describedby": `${id}-text` });
  const buttons = answers.map(({ value, label, look, testid }) =>
    h("button", { type: "button", class: `button ${look}`, "data-testid": testid, onclick: () => dialog.close(value) }, label),
  );
  dialog.append(h("h2", { id: `${id}-title` }, title), h("p", { id: `${id}-text` }, text), h("div", { class: "answers" }, ...buttons));
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "" ? (answers.at(-1)?.value ?? "") : dialog.returnValue);
    });
    document.body.append(dialog);
    dialog.showModal();
    buttons.at(-1)?.focus();
  });
}

/**
 * A panel with content of its own and a close button.
 * @param {object} panel
 * @param {string} panel.title
 * @param {string} panel.close
 * @param {Node[]} panel.content
 * @param {() => void} [panel.onClose]
 * @returns {HTMLDialogElement}
 */
export function openPanel({ title, close, content, onClose }) {
  const id = `dialog-${++count}`;
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": id },
    h("h2", { id }, title),
    ...content,
    h("div", { class: "answers" }, h("button", { type: "button", class: "button quiet", "data-testid": "panel-close", onclick: () => dialog.close() }, close)),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    onClose?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Closes every question that is open: what it asked about is over. */
export function closeDialogs() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}
