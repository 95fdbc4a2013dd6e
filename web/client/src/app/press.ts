// Presses of keys and of the pointer, for those who must know when one began; it must not act on them.

/** When the press that is under way, or has just ended, began. */
let began: number | null = null;
let count = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

function start(event: Event): void {
  // A key that is held down was pressed once.
  if (event instanceof KeyboardEvent && event.repeat) return;
  clearTimeout(timer);
  began = performance.now();
  count++;
}

function end(): void {
  clearTimeout(timer);
  // The click that it makes comes after this.
  timer = setTimeout(() => (began = null), 400);
}

for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, start, { capture: true, passive: true });
for (const kind of ["pointerup", "pointercancel", "keyup"]) addEventListener(kind, end, { capture: true, passive: true });

/** Whether the click or key that is handled right now was begun before this moment. Software that clicks for its user presses nothing. */
export const begunBefore = (time: number): boolean => performance.now() < time || (began !== null && began < time);

/** How many there were: whoever did something since then may be writing. */
export const presses = (): number => count;
