/**
 * How long players wait for sound that was lost and is sent again. By itself Chromium's waits hardly longer than for sound that was not lost
 * (some 50 ms, measured), and comes to more only after a minute of loss, so that what is sent again comes too late. Waiting makes a
 * conversation slower, so it is asked for only while sound is lost, and in vain: the picture waits with its sound.
 * @module
 */

/** Of the sound of the last while: more that the player had to make up is heard. */
const CONCEALED = 0.01;
const WHILE = 10_000;
/** Of that while, at 48 kHz: of less sound a larger share may be one word. */
const SAMPLES = 48 * WHILE;
/** It goes on as long as so many requests or more fall into this; who lost little does not wait on. */
const HOLD = 30_000;
const REQUESTS = 5;
/** Milliseconds beyond two of our round trips: that a burst is over, and what a second request takes where the first was lost. */
const BEYOND = 80;
/** More is no conversation. */
const LONGEST = 400;

/**
 * What a player has counted: requests for lost packets, and samples.
 * @typedef {{ requests: number, concealed: number, samples: number }} Counts
 */

/** Whether the player of one section is to wait. */
export class Wait {
  /** @type {(Counts & { at: number })[]} */
  #looks = [];
  #waits = false;

  /**
   * @param {number} now milliseconds
   * @param {Counts} counts so far
   * @returns {boolean}
   */
  look(now, counts) {
    const span = this.#waits ? HOLD : WHILE;
    this.#looks.push({ at: now, ...counts });
    while (this.#looks.length > 2 && this.#looks[1].at <= now - span) this.#looks.shift();
    const [first] = this.#looks;
    const requests = counts.requests - first.requests;
    if (this.#waits) {
      if (first.at > now - HOLD || requests >= REQUESTS) return true;
    } else if (requests === 0 || counts.concealed - first.concealed <= CONCEALED * Math.max(counts.samples - first.samples, SAMPLES)) {
      return false;
    }
    this.#waits = !this.#waits;
    this.#looks = [{ at: now, ...counts }];
    return this.#waits;
  }
}

/** All sections of a connection in which sound comes. */
export class Patience {
  /** By track. @type {Map<string, Wait>} */
  #waits = new Map();

  /**
   * @param {number} now milliseconds
   * @param {RTCStatsReport} report of the whole connection
   * @param {readonly RTCRtpReceiver[]} receivers
   */
  look(now, report, receivers) {
    const entries = [...report.values()];
    const trips = entries.filter((entry) => entry.type === "candidate-pair" && entry.nominated);
    const trip = 1000 * Math.max(0, ...trips.map((entry) => entry.currentRoundTripTime ?? 0));
    const target = Math.min(BEYOND + 2 * trip, LONGEST);
    for (const entry of entries) {
      // Who does not ask for lost sound (Firefox) has nothing to wait for.
      if (entry.type !== "inbound-rtp" || entry.kind !== "audio" || !entry.nackCount) continue;
      const receiver = receivers.find((one) => one.track.id === entry.trackIdentifier);
      if (receiver === undefined) continue;
      let wait = this.#waits.get(entry.trackIdentifier);
      if (wait === undefined) this.#waits.set(entry.trackIdentifier, (wait = new Wait()));
      // Of silence nothing is missed.
      const concealed = (entry.concealedSamples ?? 0) - (entry.silentConcealedSamples ?? 0);
      const waits = wait.look(now, { requests: entry.nackCount, concealed, samples: entry.totalSamplesReceived ?? 0 });
      if (waits !== (receiver.jitterBufferTarget !== null)) receiver.jitterBufferTarget = waits ? target : null;
    }
  }
}
