/**
 * A soft two-tone sound: somebody waits, or it is your turn. Drawn by the browser, so there is no file to load.
 * @module
 */

const TONES = [523.25, 659.25];
const SECONDS = 0.45;

export async function chime() {
  if (typeof AudioContext !== "function") return;
  const context = new AudioContext();
  TONES.forEach((frequency, index) => {
    const start = context.currentTime + index * 0.18;
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.12, start + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, start + SECONDS);
    const tone = new OscillatorNode(context, { frequency });
    tone.connect(gain).connect(context.destination);
    tone.start(start);
    tone.stop(start + SECONDS);
  });
  setTimeout(() => void context.close(), 1500);
}
