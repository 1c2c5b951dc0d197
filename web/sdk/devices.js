/**
 * Own camera and microphone: opened together, each exchanged on its own, noticed when unplugged.
 * @module
 */
import { CallError } from "./errors.js";

/** @typedef {import("./transport.js").OwnSource} OwnSource */
/** @typedef {{ id: string, label: string }} Device */

const REMEMBER = "venterom.device:";

/** Events: `change` {source, track} when a track was exchanged; `lost` {source} when a device went away; `devices` when the list changed. */
export class LocalMedia extends EventTarget {
  /** The one stream that shows own camera and microphone; the same object for as long as this lives. */
  stream = new MediaStream();
  #closed = false;
  #onDevices = () => void this.#emit("devices", null);

  constructor() {
    super();
    navigator.mediaDevices.addEventListener("devicechange", this.#onDevices);
  }

  /** Opens both, with the devices of last time where they are still there. Asks the person for permission. */
  async open() {
    const opened = await open({ microphone: recall("microphone"), camera: recall("camera") });
    if (this.#closed) return stop(opened);
    this.#take("microphone", opened.getAudioTracks()[0]);
    this.#take("camera", opened.getVideoTracks()[0]);
    this.#emit("devices", null);
  }

  /**
   * @param {OwnSource} source
   * @returns {MediaStreamTrack | null}
   */
  track(source) {
    return (source === "camera" ? this.stream.getVideoTracks() : this.stream.getAudioTracks())[0] ?? null;
  }

  /**
   * Changes the device while everything goes on. The old one stays until the new one works.
   * @param {OwnSource} source
   * @param {string | undefined} id undefined: the browser's choice
   */
  async select(source, id) {
    const old = this.track(source);
    const present = this.selected(source) || undefined; // a stopped track no longer tells in Firefox
    // Phones refuse a second camera while the first is open.
    if (source === "camera") old?.stop();
    try {
      const opened = await open({ [source]: id });
      if (this.#closed) return stop(opened);
      if (id !== undefined) remember(source, id);
      this.#take(source, opened.getTracks()[0]);
    } catch (error) {
      if (source === "camera" && old !== null) await this.#restore(source, present);
      throw error;
    }
  }

  /** @param {OwnSource} source @returns {Promise<Device[]>} */
  async list(source) {
    const kind = source === "camera" ? "videoinput" : "audioinput";
    const all = await navigator.mediaDevices.enumerateDevices();
    return all.filter((one) => one.kind === kind).map(({ deviceId, label }) => ({ id: deviceId, label }));
  }

  /** @param {OwnSource} source @returns {string} the device in use */
  selected(source) {
    return this.track(source)?.getSettings().deviceId ?? "";
  }

  close() {
    this.#closed = true;
    navigator.mediaDevices.removeEventListener("devicechange", this.#onDevices);
    stop(this.stream);
  }

  /**
   * @param {OwnSource} source
   * @param {MediaStreamTrack | undefined} track
   */
  #take(source, track) {
    if (track === undefined) return;
    const old = this.track(source);
    if (old !== null) {
      old.onended = null;
      old.stop();
      this.stream.removeTrack(old);
      track.enabled = old.enabled;
    }
    this.stream.addTrack(track);
    track.onended = () => this.#emit("lost", { source });
    this.#emit("change", { source, track });
  }

  /**
   * @param {OwnSource} source
   * @param {string | undefined} id
   */
  async #restore(source, id) {
    const opened = await open({ [source]: id }).catch(() => null);
    if (opened !== null && !this.#closed) this.#take(source, opened.getTracks()[0]);
  }

  /**
   * @param {string} type
   * @param {unknown} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** @param {MediaStream} stream */
function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * @param {Partial<Record<OwnSource, string | undefined>>} wanted a key means: open that source; its value: which device
 * @returns {Promise<MediaStream>}
 */
async function open(wanted) {
  /** @type {MediaStreamConstraints} */
  const constraints = {};
  if ("microphone" in wanted) {
    constraints.audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...exactly(wanted.microphone) };
  }
  if ("camera" in wanted) {
    constraints.video = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 }, ...exactly(wanted.camera) ?? { facingMode: "user" } };
  }
  try {
    return await navigator.mediaDevices.getUserMedia(constraints);
  } catch (error) {
    const name = error instanceof DOMException ? error.name : "";
    const remembered = Object.values(wanted).some((id) => id !== undefined);
    // The device of last time is gone: any will do.
    if (remembered && (name === "OverconstrainedError" || name === "NotFoundError")) {
      return open(Object.fromEntries(Object.keys(wanted).map((source) => [source, undefined])));
    }
    throw await explain(name, wanted, error);
  }
}

/** @param {string | undefined} id */
function exactly(id) {
  return id === undefined ? undefined : { deviceId: { exact: id } };
}

/**
 * @param {string} name of the DOMException
 * @param {object} wanted
 * @param {unknown} cause
 */
async function explain(name, wanted, cause) {
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return new CallError("permission_denied", "the camera or microphone may not be used", { cause });
    case "NotReadableError":
    case "AbortError":
      return new CallError("device_busy", "the camera or microphone is in use elsewhere", { cause });
    case "NotFoundError":
    case "OverconstrainedError": {
      const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
      const noCamera = "camera" in wanted && !devices.some((one) => one.kind === "videoinput");
      return new CallError(noCamera ? "no_camera" : "no_microphone", "there is no such device", { cause });
    }
    default:
      return new CallError("device_failed", "the camera or microphone could not be opened", { cause });
  }
}

/**
 * @param {OwnSource} source
 * @param {string} id
 */
function remember(source, id) {
  try {
    localStorage.setItem(REMEMBER + source, id);
  } catch {
    // Only a convenience.
  }
}

/** @param {OwnSource} source */
function recall(source) {
  try {
    return localStorage.getItem(REMEMBER + source) ?? undefined;
  } catch {
    return undefined;
  }
}
