// The moment at which the page is put away: commands that wait leave then, and are to arrive though the page is closed. Of a page that is left,
// `pagehide` comes before `visibilitychange` (HTML, "unload a document"), so both are heard.

const watchers: (() => void)[] = [];
let leaving = false;

/** Whether what is sent now may be the last that this page sends. */
export const isAway = (): boolean => leaving || (typeof document !== "undefined" && document.visibilityState === "hidden");

/** Runs `say` whenever the page is hidden or left, before the link to the daemon is given up. */
export function onAway(say: () => void): void {
  watchers.push(say);
}

const tellAll = (): void => watchers.forEach((say) => say());

/** Begins to listen. `leave` comes last, when the page is left. */
export function watchAway(leave: () => void): void {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") tellAll();
  });
  addEventListener("pagehide", () => {
    leaving = true;
    tellAll();
  });
  // A listener of its own: commands leave in a microtask, and microtasks run between two listeners.
  addEventListener("pagehide", leave);
  addEventListener("pageshow", () => (leaving = false));
}
