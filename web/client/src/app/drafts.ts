// Drafts of all boxes: kept in this tab at once, and for a user of the site in the settings, so that every browser has them; it must not draw.
import { signal } from "@preact/signals";
import { NOTHING, readDraft, reconcile, type Choice, type Draft } from "../state/draft";
import { serverNow } from "./clock";
import { settings, tell, user } from "./store";

const PREFIX = "bellflower.draft.";
/** So long nothing is typed before the others are told; milliseconds. */
const STILL = 1000;

/** By conversation: a text from elsewhere that the box does not show. */
export const offers = signal<ReadonlyMap<string, string>>(new Map());

/** A draft of this tab. */
interface Own extends Draft {
  /** What all browsers have, as far as this tab was told or has told. */
  known: string;
}

const own = new Map<string, Own>();
/** What this tab told, and was not told back yet. */
const told = new Map<string, Set<string>>();
const timers = new Map<string, ReturnType<typeof setTimeout>>();

const keyOf = (id: string): string => `draft.${id}`;

function read(id: string): Own {
  const kept = own.get(id);
  if (kept) return kept;
  try {
    const value = JSON.parse(sessionStorage.getItem(PREFIX + id) ?? "null") as { known?: unknown } | null;
    return { ...readDraft(value), known: typeof value?.known === "string" ? value.known : "" };
  } catch {
    return { ...NOTHING, known: "" };
  }
}

function write(id: string, draft: Own): void {
  own.set(id, draft);
  try {
    if (draft.text === "" && draft.known === "") sessionStorage.removeItem(PREFIX + id);
    else sessionStorage.setItem(PREFIX + id, JSON.stringify(draft));
  } catch {
    // Without storage a draft lasts as long as the page.
  }
}

export function offer(id: string, text: string | null): void {
  const next = new Map(offers.value);
  if (text === null) next.delete(id);
  else next.set(id, text);
  if (next.size > 0 || offers.value.size > 0) offers.value = next;
}

/** What stands in the settings. */
export const elsewhere = (id: string): Draft => readDraft(settings.value[keyOf(id)]);

function taken(id: string, choice: Choice, other: Draft): string {
  if (choice.offer !== null) offer(id, choice.offer);
  write(id, { ...choice.show, known: other.text });
  if (choice.show.text !== other.text) later(id);
  return choice.show.text;
}

/** What a box begins with. */
export function begin(id: string): string {
  const here = read(id);
  const other = elsewhere(id);
  return taken(id, reconcile(here, other, here.known), other);
}

/** The settings may have changed while a box shows something. What it is to show, or null to leave it. */
export function follow(id: string): string | null {
  const here = read(id);
  const other = elsewhere(id);
  const mine = told.get(id);
  if (other.text === here.known) {
    told.delete(id);
    return null;
  }
  // An older one of this tab's own.
  if (mine?.has(other.text)) return null;
  // Sent or deleted elsewhere: a text that was not changed here goes, too.
  const choice = other.text === "" && here.text === here.known ? { show: NOTHING, offer: null } : reconcile(here, other, here.known);
  const shown = taken(id, choice, other);
  return shown === here.text ? null : shown;
}

/** Tells the others now what they do not have yet. */
export function flush(id: string): void {
  clearTimeout(timers.get(id));
  timers.delete(id);
  const draft = read(id);
  if (user.value?.guest !== false || draft.text === draft.known) return;
  told.set(id, (told.get(id) ?? new Set()).add(draft.text));
  write(id, { ...draft, known: draft.text });
  tell("settings.set", { values: { [keyOf(id)]: draft.text === "" ? null : { text: draft.text, at: draft.at } } }, keyOf(id));
}

function later(id: string): void {
  clearTimeout(timers.get(id));
  timers.set(id, setTimeout(() => flush(id), STILL));
}

/** The box has this text now. */
export function typed(id: string, text: string): void {
  write(id, { text, at: Math.round(serverNow()), known: read(id).known });
  later(id);
}

/** Sent. */
export function done(id: string): void {
  write(id, { ...NOTHING, known: read(id).known });
  flush(id);
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") for (const id of [...timers.keys()]) flush(id);
});

/** Nothing of it is left in this browser. */
export function forgetDrafts(): void {
  for (const timer of timers.values()) clearTimeout(timer);
  for (const map of [timers, own, told]) map.clear();
  offers.value = new Map();
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  } catch {
    // Storage is switched off.
  }
}
