// The two faces of the page, of which a visit needs one at first: they are loaded by themselves; it must not draw.
import { effect, signal, type ReadonlySignal } from "@preact/signals";
import { arriving } from "../app/session";
import { phase } from "../app/store";

/** Until a part that did not come is asked for again; milliseconds. */
const AGAIN = 3000;

/** A part of the page: null until it is there. */
function part<T>(load: () => Promise<T>): { value: ReadonlySignal<T | null>; fetch(): void } {
  const value = signal<T | null>(null);
  let asked = false;
  const fetch = () => {
    if (asked) return;
    asked = true;
    load().then(
      (found) => (value.value = found),
      () => {
        asked = false;
        setTimeout(fetch, AGAIN);
      },
    );
  };
  return { value, fetch };
}

const frontPart = part(() => import("./front/face"));
const insidePart = part(() => import("./Inside"));

export const front = frontPart.value;
export const inside = insidePart.value;

/** Somebody was signed in here when the page was left: nothing but a guess at what will show. */
const HINT = "bellflower.in";

function wasIn(): boolean {
  try {
    return localStorage.getItem(HINT) !== null;
  } catch {
    return false;
  }
}

function note(isIn: boolean): void {
  try {
    if (isIn) localStorage.setItem(HINT, "1");
    else localStorage.removeItem(HINT);
  } catch {
    // Storage is switched off: the other face is loaded a moment later.
  }
}

// While the daemon says which it is.
if (wasIn()) insidePart.fetch();
else frontPart.fetch();

effect(() => {
  const { kind } = phase.value;
  if (kind === "starting") return;
  note(kind === "in");
  if (kind === "front" || arriving.value) frontPart.fetch();
  // Whoever fills in a form is about to need the rest.
  if (kind === "in") insidePart.fetch();
  else if (front.value) setTimeout(insidePart.fetch, 1000);
});
