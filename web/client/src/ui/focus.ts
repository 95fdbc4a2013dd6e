// Where the keyboard's focus goes when what had it is gone; it must not take it from anybody.
import { useLayoutEffect } from "preact/hooks";

/** Whether a box may take the focus unasked: on a phone or tablet the keyboard on the screen would come with it. */
export const mayWrite = (): boolean => innerWidth >= 700 && !matchMedia("(pointer: coarse)").matches;

/** Where in the list the focus was last: who leaves a conversation comes back there. */
let place: "search" | "rows" = "search";

/** The list got the focus. */
export function rememberPlace(target: EventTarget | null): void {
  if (!(target instanceof Element)) return;
  if (target.matches("input[type=search]")) place = "search";
  else if (target.closest(".vlist")) place = "rows";
}

export function forgetPlace(): void {
  place = "search";
}

/** Nobody has the focus, or what has it cannot be seen. */
function adrift(): boolean {
  const now = document.activeElement;
  return now === null || now === document.body || now.getClientRects().length === 0;
}

function home(): HTMLElement | null {
  const find = (css: string) => document.querySelector<HTMLElement>(css);
  if (find(".list")) return place === "search" && mayWrite() ? find(".list input[type=search]") : (find(".vlist [tabindex='0']") ?? find(".vlist"));
  // A conversation that covers the list; else the page before one is in.
  return find(".talk .log") ?? (mayWrite() ? find(".front-form [data-first]") : null) ?? find(".front h1, .front h2");
}

/** Gives a focus that nobody has to the list, or to the form of the front page. An open dialog gives it back itself. */
export function settle(): void {
  if (adrift() && !document.querySelector("dialog[open]")) home()?.focus();
}

/** What somebody wrote in was taken away: their next keys go where they do nothing. */
export function harbour(): void {
  if (!adrift()) return;
  const quiet = [...document.querySelectorAll<HTMLElement>(".foremost .log, .pane-main .log, .stack-talk .log, .windows .log, .desk-empty, .front h1, .front h2")];
  quiet.find((one) => one.getClientRects().length > 0)?.focus();
}

/** Settles the focus whenever one of these has changed and everything is drawn: a box that was asked to take it has it by then. */
export function useSettled(deps: readonly unknown[], when = true): void {
  useLayoutEffect(() => {
    if (when) queueMicrotask(settle);
  }, [...deps, when]);
}
