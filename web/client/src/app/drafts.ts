// Drafts of all boxes: kept in this tab at once, and for a user of the site in the settings, so that every browser has them; it must not draw.
import { signal } from "@preact/signals";
import { onAway } from "../net";
import { readDraft } from "../state/draft";
import { Drafts } from "../state/drafts";
import { serverNow } from "./clock";
import { settings, tell, user } from "./store";

const PREFIX = "bellflower.draft.";
const keyOf = (id: string): string => `draft.${id}`;

/** By conversation: a text from elsewhere that the box does not show. */
export const offers = signal<ReadonlyMap<string, string>>(new Map());

export function offer(id: string, text: string | null): void {
  const next = new Map(offers.value);
  if (text === null) next.delete(id);
  else next.set(id, text);
  if (next.size > 0 || offers.value.size > 0) offers.value = next;
}

export const drafts = new Drafts({
  read: (id) => sessionStorage.getItem(PREFIX + id),
  keep: (id, text) => {
    try {
      if (text === null) sessionStorage.removeItem(PREFIX + id);
      else sessionStorage.setItem(PREFIX + id, text);
    } catch {
      // Without storage a draft lasts as long as the page.
    }
  },
  elsewhere: (id) => readDraft(settings.value[keyOf(id)]),
  shares: () => user.value?.guest === false,
  tell: (id, draft) => tell("settings.set", { values: { [keyOf(id)]: draft } }, keyOf(id)),
  offer,
  now: serverNow,
  later: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
});

onAway(() => drafts.flushAll());

/** Nothing of it is left in this browser. */
export function forgetDrafts(): void {
  drafts.forget();
  offers.value = new Map();
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  } catch {
    // Storage is switched off.
  }
}
