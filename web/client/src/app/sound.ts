// The page's sounds: made here, of a few tones each; it must not know when they are called for.
import type { Occasion } from "../state/choices";

/** The steps of each, in hertz. */
const TONES: Record<Occasion, readonly number[]> = {
  message: [784, 1046.5],
  mention: [880, 1174.7, 1318.5],
  room: [659.3],
  question: [659.3, 880, 659.3],
};
/** Between two steps, and the length of one; seconds. */
const APART = 0.11;
const LONG = 0.45;

let audio: AudioContext | null = null;

/** Browsers let a page sound once its user did something in it, by whatever means. */
function ready(event: Event): void {
  // Esc does not count as doing something.
  if (event instanceof KeyboardEvent && event.key === "Escape") return;
  for (const kind of GESTURES) removeEventListener(kind, ready, true);
  audio = typeof AudioContext === "function" ? new AudioContext() : null;
}

const GESTURES = ["pointerdown", "keydown"] as const;
for (const kind of GESTURES) addEventListener(kind, ready, { capture: true, passive: true });

/** Whether this tab can sound. */
export const audible = (): boolean => audio !== null && audio.state !== "closed";

export function play(what: Occasion): void {
  if (!audio || audio.state === "closed") return;
  void audio.resume();
  const start = audio.currentTime;
  TONES[what].forEach((hertz, at) => {
    if (!audio) return;
    const voice = audio.createOscillator();
    const loudness = audio.createGain();
    const from = start + at * APART;
    voice.type = "sine";
    voice.frequency.value = hertz;
    loudness.gain.setValueAtTime(0, from);
    loudness.gain.linearRampToValueAtTime(0.11, from + 0.015);
    loudness.gain.exponentialRampToValueAtTime(0.0006, from + LONG - 0.03);
    voice.connect(loudness).connect(audio.destination);
    voice.start(from);
    voice.stop(from + LONG);
  });
}
