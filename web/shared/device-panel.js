/**
 * Choice of camera and microphone, with a stripe that turns green on sound. Used before the call and in it.
 * @module
 */
import { LevelMeter } from "../sdk/index.js";
import { fill, h, say } from "./dom.js";
import { announce } from "./live.js";
import { text } from "./text/index.js";

/** @typedef {import("../sdk/devices.js").LocalMedia} LocalMedia */
/** @typedef {import("../sdk/transport.js").OwnSource} OwnSource */

/** Above the noise of a quiet room. */
const HEARD = 0.25;
/** Words have gaps; the text stays over them. */
const HOLD = 1500;

/**
 * @param {LocalMedia} media
 * @returns {{ element: HTMLElement, close: () => void }}
 */
export function devicePanel(media) {
  const meter = levelStripe(media);
  const camera = deviceSelect(media, "camera");
  const microphone = deviceSelect(media, "microphone");
  const refresh = () => {
    void camera.refresh();
    void microphone.refresh();
    meter.listen();
  };
  media.addEventListener("devices", refresh);
  media.addEventListener("change", refresh);
  refresh();
  return {
    element: h("div", { class: "devices" }, meter.element, camera.element, microphone.element),
    close: () => {
      media.removeEventListener("devices", refresh);
      media.removeEventListener("change", refresh);
      meter.close();
    },
  };
}

/** @param {LocalMedia} media */
function levelStripe(media) {
  const fillBar = h("span", { class: "level-fill" });
  const words = h("span", { class: "level-words" }, text.preview.speak);
  const element = h("div", { class: "level", "data-testid": "level" }, words, h("span", { class: "level-bar", "aria-hidden": "true" }, fillBar));
  let heardAt = -Infinity;
  let announced = false;
  const meter = new LevelMeter((level) => {
    const now = performance.now();
    if (level > HEARD) heardAt = now;
    const heard = now - heardAt < HOLD;
    fillBar.style.transform = `scaleX(${level.toFixed(2)})`;
    element.dataset.heard = String(heard);
    const off = media.track("microphone")?.enabled === false;
    say(words, off ? text.preview.silent : heard ? text.preview.heard : text.preview.speak);
    if (heard && !announced) announce(text.preview.heard);
    announced ||= heard;
  });
  return { element, listen: () => meter.listen(media.track("microphone")), close: () => meter.close() };
}

/**
 * @param {LocalMedia} media
 * @param {OwnSource} source
 */
function deviceSelect(media, source) {
  const fault = h("p", { class: "field-fault", role: "alert" });
  const select = h("select", { id: `${source}-select`, "data-testid": `${source}-select` });
  select.addEventListener("change", async () => {
    select.disabled = true;
    say(fault, "");
    try {
      await media.select(source, select.value);
    } catch {
      say(fault, text.more.noSwitch);
    }
    select.disabled = false;
    select.focus();
    await refresh();
  });
  const unnamed = source === "camera" ? text.preview.unnamedCamera : text.preview.unnamedMicrophone;
  const refresh = async () => {
    const devices = await media.list(source);
    fill(select, ...devices.map(({ id, label }, index) => h("option", { value: id }, label || unnamed(index + 1))));
    select.value = media.selected(source);
  };
  const label = h("label", { for: `${source}-select` }, text.preview[source]);
  return { element: h("div", { class: "field" }, label, select, fault), refresh };
}
