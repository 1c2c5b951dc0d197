/**
 * Venterom's SDK for web pages: everything a front end may use. See README.md beside this file.
 * @module
 */
export { Call, join } from "./call.js";
export { LocalMedia } from "./devices.js";
export { CallError, codeOf } from "./errors.js";
export { LevelMeter } from "./level.js";
export { SeatStore } from "./seat.js";
export { canShareScreen, pictureTrack, screenTrack } from "./sharing.js";
export { whatIsMissing } from "./support.js";
