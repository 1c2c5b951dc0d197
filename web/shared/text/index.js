/**
 * The language of the page. One file a language; a new one has the same shape as `nb.js`.
 * @module
 */
import { nb } from "./nb.js";

/** @type {import("./nb.js").Texts} */
export const text = nb;
