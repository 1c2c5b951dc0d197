/**
 * "It takes longer": a few words to everybody who waits.
 * @module
 */
import { openPanel } from "../shared/dialog.js";
import { h } from "../shared/dom.js";
import { text } from "../shared/text/index.js";

const MINUTES = [5, 10, 15, 20, 30, 45, 60, 0];
const LONGEST_TEXT = 200;

/**
 * @param {import("../shared/page.js").Page} page
 * @param {import("../sdk/call.js").Call} call
 */
export function openNotice(page, call) {
  const { clinic } = text;
  const minutes = h(
    "select",
    { id: "notice-minutes", "data-testid": "notice-minutes" },
    ...MINUTES.map((n) => h("option", { value: n }, clinic.noticeOption(n))),
  );
  const words = h("input", { id: "notice-text", type: "text", maxlength: LONGEST_TEXT, autocomplete: "off", "data-testid": "notice-text" });
  const form = h(
    "form",
    { method: "dialog" },
    h("p", {}, clinic.noticeHelp),
    h("div", { class: "field" }, h("label", { for: "notice-minutes" }, clinic.noticeMinutes), minutes),
    h("div", { class: "field" }, h("label", { for: "notice-text" }, clinic.noticeText), words),
    h("button", { class: "button go wide", "data-testid": "notice-send" }, clinic.noticeSend),
  );
  form.addEventListener("submit", () => {
    const chosen = Number(minutes.value);
    const notice = { ...(chosen > 0 && { minutes: chosen }), ...(words.value.trim() && { text: words.value.trim() }) };
    if (call.notice(notice)) page.toast(told(notice));
    else page.sent(false);
  });
  openPanel({ title: clinic.noticeTitle, close: clinic.cancel, content: [form] });
}

/**
 * What the host reads once it is sent: an empty notice takes back the one before.
 * @param {import("../sdk/messages.js").Notice} notice
 */
export function told({ minutes, text: words }) {
  return minutes || words ? text.clinic.noticeSent : text.clinic.noticeTakenBack;
}
