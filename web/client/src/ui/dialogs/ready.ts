// From when a question may be answered: a second after it came or moved, by a press that began after that; it must not know what is asked.
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { visible } from "../../app/attention";
import { begunBefore } from "../../app/press";

/** Who presses sooner meant something else. */
const NOTICED = 1000;

export interface Ready {
  /** For the eye. */
  "data-ready": boolean;
  /** Whether what is pressed right now is meant for it. */
  takes(): boolean;
}

/** `place`: another one stands for a move. A page that was not in sight shows its questions anew. */
export function useReady(place: unknown = null): Ready {
  const from = useRef(Infinity);
  const ready = useSignal(false);
  const seen = visible.value;
  useLayoutEffect(() => {
    from.current = performance.now() + NOTICED;
    ready.value = false;
    const timer = setTimeout(() => (ready.value = true), NOTICED);
    return () => clearTimeout(timer);
  }, [place, seen]);
  return { "data-ready": ready.value, takes: () => !begunBefore(from.current) };
}

/** Keeps presses, and the focus that they bring, from everything in an element that is not ready. */
export const guarded = (ready: Ready) => (event: Event): void => {
  if (ready.takes()) return;
  event.preventDefault();
  event.stopPropagation();
};
