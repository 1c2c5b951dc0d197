/**
 * Who comes, goes and shows a screen while one is inside, in sentences for whoever can't see it.
 * @module
 */
import { text } from "./text/index.js";

/** @typedef {Pick<import("../sdk/remote.js").Participant, "id" | "name" | "state" | "waiting" | "held" | "self" | "hasScreen">} Person */
/** @typedef {{ participants: Person[], state: import("../sdk/call.js").CallState, held: boolean }} Seen as much of a call as is told here */

/** More news of one kind than these are told as a number. */
const BY_NAME = 3;

export class Company {
  /** @type {Person[] | null} those whom one knows of; null before the first list: who is here already is no news */
  #people = null;
  /** @type {Person[] | null} the same of the screens they show, which are told apart */
  #screens = null;

  /**
   * @param {Seen} call
   * @param {string} type the event's
   * @returns {string[]} what is new since the last look
   */
  news(call, type) {
    const now = call.participants;
    const self = now.find((one) => one.self);
    // In the lobby one knows of nobody, and a host there is told of nobody inside.
    if (self === undefined || self.waiting) {
      this.#people = this.#screens = null;
      return [];
    }
    /** @type {string[]} */
    const news = [];
    // Whoever is on hold has no part in this; what has changed meanwhile is told after.
    if (!call.held || this.#people === null) {
      news.push(...moves(this.#people ?? now, now));
      this.#people = now;
    }
    // Pauses, holds and breaks take every screen away and bring it back: that is no news of who shows it.
    if (type === "tracks" && call.state === "call") {
      news.push(...screens(this.#screens ?? now, now));
      this.#screens = now;
    }
    return news;
  }
}

/**
 * @param {Person[]} before
 * @param {Person[]} after
 * @returns {string[]} who came and went, is lost and back, held and released
 */
export function moves(before, after) {
  const words = text.company;
  const pairs = stayed(before, after);
  const here = inside(after);
  const lost = (/** @type {Person} */ one) => one.state === "reconnecting";
  return [
    // Whoever was sent to the lobby is told of there, to those who see it.
    ...told(words.left, inside(before).filter((one) => !after.some(({ id }) => id === one.id))),
    ...told(words.came, here.filter((one) => !inside(before).some(({ id }) => id === one.id))),
    ...told(text.call.lost, pairs.filter(([was, is]) => !lost(was) && lost(is)).map(([, is]) => is)),
    ...told(words.back, pairs.filter(([was, is]) => lost(was) && !lost(is)).map(([, is]) => is)),
    ...told(text.call.onHold, pairs.filter(([was, is]) => !was.held && is.held).map(([, is]) => is)),
    ...told(words.released, pairs.filter(([was, is]) => was.held && !is.held).map(([, is]) => is)),
  ];
}

/**
 * @param {Person[]} before
 * @param {Person[]} after
 * @returns {string[]} who began to show a screen, and who ended it and is still here
 */
export function screens(before, after) {
  const pairs = stayed(before, after);
  const showed = new Set(before.filter((one) => one.hasScreen).map((one) => one.id));
  return [
    ...told(text.company.screenEnded, pairs.filter(([was, is]) => was.hasScreen && !is.hasScreen).map(([, is]) => is)),
    ...told(text.company.screen, inside(after).filter((one) => one.hasScreen && !showed.has(one.id))),
  ];
}

/** @param {Person[]} people the others, without those who wait */
const inside = (people) => people.filter((one) => !one.self && !one.waiting);

/**
 * @param {Person[]} before
 * @param {Person[]} after
 * @returns {[Person, Person][]} each who was inside and still is, then and now
 */
function stayed(before, after) {
  const then = new Map(inside(before).map((one) => [one.id, one]));
  return inside(after).flatMap((is) => {
    const was = then.get(is.id);
    return was === undefined ? [] : [/** @type {[Person, Person]} */ ([was, is])];
  });
}

/**
 * @param {(who: string) => string} sentence
 * @param {Person[]} people
 */
function told(sentence, people) {
  return people.length > BY_NAME ? [sentence(String(people.length))] : people.map((one) => sentence(one.name));
}
