// Emoji by name and group, how they are found, and skin tones; pure. The table itself is `app/emoji.ts`'s to fetch.
import { fold } from "./order";

export interface Emoji { emoji: string; name: string; words: readonly string[]; tones: boolean }
export interface EmojiGroup { name: string; list: readonly Emoji[] }

/** Emoji that are at hand before any was used, and that a search puts before others of about their rank. */
export const COMMON: readonly string[] = "👍 ❤️ 😂 🙂 😊 😉 😄 🎉 🙏 👏 🔥 👀 ✅ 🤔 😅 😢 😮 😍 🥳 👋 💜 😎 🤷 🚀".split(" ");

export type Tone = "none" | "light" | "medium_light" | "medium" | "medium_dark" | "dark";
const MODIFIER: Readonly<Record<Tone, string>> = { none: "", light: "🏻", medium_light: "🏼", medium: "🏽", medium_dark: "🏾", dark: "🏿" };

export function readTable(text: string): EmojiGroup[] {
  const groups: { name: string; list: Emoji[] }[] = [];
  for (const line of text.split("\n")) {
    const [emoji = "", name = "", words = "", tones] = line.split("\t");
    if (emoji === "") groups.push({ name, list: [] });
    else groups.at(-1)?.list.push({ emoji, name, words: words === "" ? [] : words.split(" "), tones: tones === "t" });
  }
  return groups;
}

/** A name as it stands between colons: `thumbs_up`. */
export const shortcode = (name: string): string => fold(name).replace(/[^\p{L}\p{N}+]+/gu, "_").replace(/^_+|_+$/g, "");

const flat = (text: string): string => text.replaceAll("_", "");

/** The rank of an emoji for a query: less is better; null: no match. */
function rank(one: Emoji, query: string): number | null {
  const name = shortcode(one.name);
  if (name === query) return 0;
  const words = name.split("_");
  if (words.includes(query)) return 0.8;
  if (one.words.includes(query)) return 1;
  if (flat(name).startsWith(flat(query))) return 2;
  const parts = query.split("_");
  if (parts.every((part) => words.some((word) => word.startsWith(part)))) return 3;
  const all = [...words, ...one.words];
  if (parts.every((part) => all.some((word) => word.startsWith(part)))) return 4;
  return null;
}

/** Emoji that match by name or other words, best first; at most `most`. */
export function search(groups: readonly EmojiGroup[], typed: string, most: number): Emoji[] {
  const query = shortcode(typed);
  if (query === "") return [];
  const found: { one: Emoji; rank: number }[] = [];
  for (const group of groups) {
    for (const one of group.list) {
      const at = rank(one, query);
      if (at !== null) found.push({ one, rank: COMMON.includes(one.emoji) ? at - 1.5 : at });
    }
  }
  return found.sort((a, b) => a.rank - b.rank || a.one.name.length - b.one.name.length).slice(0, most).map(({ one }) => one);
}

/** The emoji that a finished `:name:` means. */
export function named(groups: readonly EmojiGroup[], typed: string): Emoji | null {
  const query = shortcode(typed);
  return search(groups, query, 8).find((one) => shortcode(one.name) === query || one.words.includes(query)) ?? null;
}

/** The emoji in a skin tone, where it takes one. */
export function toned(one: Emoji, tone: Tone): string {
  return one.tones && tone !== "none" ? one.emoji.replace(/(\p{Emoji_Modifier_Base})\ufe0f?/gu, `$1${MODIFIER[tone]}`) : one.emoji;
}
