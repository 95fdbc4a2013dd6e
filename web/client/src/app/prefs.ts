// What its user chose about the page: stored with the user, so that every browser has it at once; the looks are kept here for the front page, too.
import { computed, effect, signal, type ReadonlySignal } from "@preact/signals";
import { CHOICES, EARLY, choiceIn, readChoice, startOf, type ChoiceKey, type ChoiceOf } from "../state/choices";
import { setHours } from "../words";
import { settings, tell, update, user } from "./store";

const PREFIX = "bellflower.";

function stored(area: Storage, key: string): unknown {
  const text = area.getItem(PREFIX + key);
  return text === "on" ? true : text === "off" ? false : text;
}

/** What this tab, for a guest, or this browser keeps of a choice. */
function kept<K extends ChoiceKey>(key: K): ChoiceOf<K> | undefined {
  try {
    return readChoice(key, stored(sessionStorage, key)) ?? readChoice(key, stored(localStorage, key));
  } catch {
    return undefined;
  }
}

function keep(key: ChoiceKey, value: unknown): void {
  const guest = user.peek()?.guest === true;
  try {
    // A guest's last as long as the visit.
    (guest ? sessionStorage : localStorage).setItem(PREFIX + key, typeof value === "boolean" ? (value ? "on" : "off") : String(value));
    if (!guest) sessionStorage.removeItem(PREFIX + key);
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
  local.value = { ...local.peek(), [key]: value };
}

const local = signal<Partial<Record<ChoiceKey, unknown>>>(Object.fromEntries([...EARLY].map((key) => [key, kept(key)])));

type Choices = { [K in ChoiceKey]: ReadonlySignal<ChoiceOf<K>> };

/** By key: what holds now. Whoever is signed in has their own, and nobody else's that this browser keeps. */
export const prefs = Object.fromEntries(
  (Object.keys(CHOICES) as ChoiceKey[]).map((key) => [key, computed(() => (user.value ? choiceIn(settings.value, key) : (readChoice(key, local.value[key]) ?? startOf(key))))]),
) as unknown as Choices;

export function choose<K extends ChoiceKey>(key: K, value: ChoiceOf<K>): void {
  if (EARLY.has(key)) keep(key, value);
  if (!user.value) return;
  // At once here; the daemon tells the other browsers.
  update((old) => ({ ...old, settings: { ...old.settings, [key]: value } }));
  tell("settings.set", { values: { [key]: value } }, `pref ${key}`);
}

let wasGuest = false;

// A guest's choices are forgotten with the visit.
effect(() => {
  const one = user.value;
  const over = wasGuest && !one;
  wasGuest = one?.guest === true;
  if (!over) return;
  try {
    for (const key of EARLY) sessionStorage.removeItem(PREFIX + key);
  } catch {
    // Storage is switched off.
  }
  local.value = Object.fromEntries([...EARLY].map((key) => [key, kept(key)]));
});

function media(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener("change", (event) => (matches.value = event.matches));
  return matches;
}

const systemDark = media("(prefers-color-scheme: dark)");
const systemContrast = media("(prefers-contrast: more)");

effect(() => {
  const theme = prefs.theme.value;
  const { dataset } = document.documentElement;
  const follows = theme === "system" || theme === "contrast";
  dataset["theme"] = theme === "dark" || (follows && systemDark.value) ? "dark" : "light";
  if (theme === "contrast" || (theme === "system" && systemContrast.value)) dataset["contrast"] = "more";
  else delete dataset["contrast"];
  dataset["density"] = prefs.density.value;
  setHours(prefs.time.value);
});

// The front page of this browser shows what its last user chose elsewhere.
effect(() => {
  const one = user.value;
  if (!one || one.guest) return;
  for (const key of EARLY) {
    const value = readChoice(key, settings.value[key]);
    if (value !== undefined && value !== local.peek()[key]) keep(key, value);
  }
});

// Names from before there was a table.
export const { theme, sound, hide_offline: hideOffline } = prefs;
export const setTheme = (value: ChoiceOf<"theme">): void => choose("theme", value);
export const setSound = (value: boolean): void => choose("sound", value);
export const setHideOffline = (value: boolean): void => choose("hide_offline", value);
