// Lists the choices that a user has about the page, and reads their stored values; pure. Does not know words, nor where a choice shows.
import type { Settings } from "../wire/types";

interface One<V extends string> { kind: "one"; values: readonly V[]; start: V }
interface Switch { kind: "switch"; start: boolean }
interface Words { kind: "words"; start: readonly string[] }
type Choice = One<string> | Switch | Words;

const one = <V extends string>(...values: readonly V[]): One<V> => ({ kind: "one", values, start: values[0] as V });
const on: Switch = { kind: "switch", start: true };
const off: Switch = { kind: "switch", start: false };
const words: Words = { kind: "words", start: [] };

/** By the key under which it is stored with the user. The first value holds while nothing was chosen. */
export const CHOICES = {
  theme: one("system", "light", "dark", "contrast"),
  density: one("comfortable", "compact"),
  time: one("system", "12", "24"),
  hide_offline: off,
  /** The order of people in a group of the list. */
  sort: one("presence", "name", "last"),
  send_key: one("enter", "ctrl-enter"),
  close_room: one("ask", "leave", "listen"),
  /** Marks in plain text are drawn, and sent as formatting where a network takes it. */
  marks: on,
  big_emoji: on,
  format_bar: off,
  skin_tone: one("none", "light", "medium_light", "medium", "medium_dark", "dark"),
  /** Desktop notifications, where the browser lets the page. */
  notify: off,
  notify_show: one("text", "name", "nothing"),
  notify_message: on,
  notify_mention: on,
  notify_room: off,
  notify_question: on,
  quiet_busy: on,
  highlight: words,
  sound: on,
  sound_message: on,
  sound_mention: on,
  sound_room: off,
  sound_question: on,
} satisfies Record<string, Choice>;

export type ChoiceKey = keyof typeof CHOICES;
export type ChoiceOf<K extends ChoiceKey> = (typeof CHOICES)[K] extends One<infer V> ? V : (typeof CHOICES)[K] extends Switch ? boolean : readonly string[];
/** Keys by what is chosen. */
export type SwitchKey = { [K in ChoiceKey]: (typeof CHOICES)[K] extends Switch ? K : never }[ChoiceKey];
export type OneKey = { [K in ChoiceKey]: (typeof CHOICES)[K] extends One<string> ? K : never }[ChoiceKey];

/** Choices that show before anybody is signed in: this browser keeps them, too. */
export const EARLY: ReadonlySet<ChoiceKey> = new Set(["theme", "density", "time"]);

/** Kinds of events that a user can choose to be told of. */
export const OCCASIONS = ["message", "mention", "room", "question"] as const;
export type Occasion = (typeof OCCASIONS)[number];

/** Words that call their user, and characters of each: the daemon looks for no more. */
export const MOST_WORDS = 50;
export const LONGEST_WORD = 100;

const bytes = (text: string): number => new TextEncoder().encode(text).length;

/** A list as it was typed: lines or commas between the words. */
export function readWords(text: string): string[] {
  const all = text.split(/[\n,]/).map((word) => word.trim()).filter((word) => word !== "" && bytes(word) <= LONGEST_WORD);
  return [...new Map(all.map((word) => [word.toLowerCase(), word])).values()].slice(0, MOST_WORDS);
}

/** A stored value, if it is one of those. Anything may be stored. */
export function readChoice<K extends ChoiceKey>(key: K, value: unknown): ChoiceOf<K> | undefined {
  const choice: Choice = CHOICES[key];
  const fits =
    choice.kind === "switch" ? typeof value === "boolean"
    : choice.kind === "one" ? typeof value === "string" && choice.values.includes(value)
    : Array.isArray(value) && value.every((word) => typeof word === "string");
  return fits ? (value as ChoiceOf<K>) : undefined;
}

export const startOf = <K extends ChoiceKey>(key: K): ChoiceOf<K> => CHOICES[key].start as ChoiceOf<K>;

/** The choice in a user's settings, or its default. */
export const choiceIn = <K extends ChoiceKey>(settings: Settings, key: K): ChoiceOf<K> => readChoice(key, settings[key]) ?? startOf(key);
