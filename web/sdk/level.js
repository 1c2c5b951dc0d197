/**
 * How loud a microphone is, for a meter. A track that is off reads 0.
 * @module
 */

/** Levels a second; a meter needs no more, and a phone's battery is glad of it. */
const EVERY = 66;
const QUIETEST_DB = -60;
const LOUDEST_DB = -15;

export class LevelMeter {
  #context = new AudioContext();
  #analyser = this.#context.createAnalyser();
  /** @type {MediaStreamAudioSourceNode | null} */
  #source = null;
  #samples;
  #timer;

  /** @param {(level: number) => void} onLevel 0 (silence) to 1, some 15 times a second */
  constructor(onLevel) {
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#timer = setInterval(() => onLevel(this.#read()), EVERY);
  }

  /** @param {MediaStreamTrack | null} track */
  listen(track) {
    this.#source?.disconnect();
    this.#source = track === null ? null : this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source?.connect(this.#analyser);
  }

  close() {
    clearInterval(this.#timer);
    this.#source?.disconnect();
    void this.#context.close();
  }

  #read() {
    // Browsers may keep a context asleep until the person has touched the page.
    if (this.#context.state === "suspended") void this.#context.resume();
    if (this.#source === null) return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    const decibel = 10 * Math.log10(sum / this.#samples.length + 1e-12);
    return Math.max(0, Math.min(1, (decibel - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB)));
  }
}
