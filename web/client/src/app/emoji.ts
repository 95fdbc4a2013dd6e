// The table of emoji, fetched when it is first wanted, and which ones were used last; it must not draw.
import { signal } from "@preact/signals";
import { COMMON, readTable, toned, type Emoji, type EmojiGroup } from "../state/emoji";
import { prefs } from "./prefs";
import { settings, tell, update } from "./store";

/** The table of emoji; null until it has come. */
export const emojiTable = signal<readonly EmojiGroup[] | null>(null);
let coming: Promise<void> | null = null;

/** Fetches the table once; after a failure the next call tries again. */
export function fetchEmoji(): Promise<void> {
  coming ??= import("emoji-table").then(({ default: text }) => {
    emojiTable.value = readTable(text);
  });
  coming.catch(() => (coming = null));
  return coming;
}

/** Emoji that are at hand at most. */
const MOST_RECENT = 24;
const KEY = "emoji";

function recent(): string[] {
  const list = settings.value[KEY];
  return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
}

/** Emoji at hand: those used last, then common ones. */
export function atHand(groups: readonly EmojiGroup[]): Emoji[] {
  const known = new Map(groups.flatMap((group) => group.list.map((one) => [one.emoji, one] as const)));
  return [...new Set([...recent(), ...COMMON])].slice(0, MOST_RECENT).map((one) => known.get(one)).filter((one) => one !== undefined);
}

/** Remembers an emoji as used last. Gives it in the chosen skin tone, for a text. */
export function take(one: Emoji): string {
  const list = [one.emoji, ...recent().filter((other) => other !== one.emoji)].slice(0, MOST_RECENT);
  update((old) => ({ ...old, settings: { ...old.settings, [KEY]: list } }));
  tell("settings.set", { values: { [KEY]: list } }, KEY);
  return toned(one, prefs.skin_tone.value);
}
