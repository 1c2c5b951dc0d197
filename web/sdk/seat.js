/**
 * The seat: what a participant keeps across reconnects and reloads. It lives in the tab's own storage, so that closing the tab forgets it,
 * and it is bound to how the page was entered, so that another link in the same tab never takes an old seat.
 * @module
 */

/** @typedef {{ wsUrl: string, seat: string, muted: { microphone: boolean, camera: boolean } }} Seat `muted`: who was muted stays muted after a reload */

export class SeatStore {
  /** @param {string} entry what the page was entered with, for example the link token */
  constructor(entry) {
    /** @private */
    this.key = `venterom.seat:${entry}`;
  }

  /** @returns {Seat | null} */
  load() {
    try {
      const kept = JSON.parse(sessionStorage.getItem(this.key) ?? "null");
      if (typeof kept?.seat !== "string" || typeof kept?.wsUrl !== "string") return null;
      return { wsUrl: kept.wsUrl, seat: kept.seat, muted: { microphone: kept.muted?.microphone === true, camera: kept.muted?.camera === true } };
    } catch {
      return null;
    }
  }

  /** @param {Seat} seat */
  save(seat) {
    try {
      sessionStorage.setItem(this.key, JSON.stringify(seat));
    } catch {
      // Storage can be refused (private windows); the call works without, only a reload then starts anew.
    }
  }

  clear() {
    try {
      sessionStorage.removeItem(this.key);
    } catch {
      // See save().
    }
  }
}
