// Which events call for their user, and how by their choices; pure. It must not sound or show anything.
import type { Settings, WireEvent } from "../wire/types";
import { choiceIn, type Occasion } from "./choices";
import type { Talk } from "./model";

/** Something that its user may want to be told of. */
export interface Call {
  occasion: Occasion;
  /** The conversation, if it is about one. */
  conversation: string | null;
  /** Who said it, and what; empty where nobody may know. */
  who: string;
  text: string;
}

const ORDER: readonly Occasion[] = ["room", "message", "question", "mention"];

/** The more urgent of two. */
export const louder = (a: Occasion | null, b: Occasion): Occasion => (a !== null && ORDER.indexOf(a) >= ORDER.indexOf(b) ? a : b);

/** What a message is to its reader; null: nothing that calls. */
export function occasionOf(talk: Pick<Talk, "kind">, message: { highlight?: boolean | undefined; delayed?: boolean | undefined; from?: { self: boolean } }): Occasion | null {
  if (message.from?.self || message.delayed) return null;
  if (message.highlight) return "mention";
  return talk.kind === "im" ? "message" : "room";
}

/** The questions of networks; what an account's own sign-on asks is one, too. */
export const isQuestion = (event: WireEvent): boolean => event.type === "request.opened" || event.type === "authorization.opened";

/** Whether its user said that they are busy, and wants quiet then. */
export const isQuiet = (settings: Settings, status: string): boolean => status === "unavailable" && choiceIn(settings, "quiet_busy");

export const sounds = (settings: Settings, occasion: Occasion): boolean => choiceIn(settings, "sound") && choiceIn(settings, `sound_${occasion}`);
export const notes = (settings: Settings, occasion: Occasion): boolean => choiceIn(settings, "notify") && choiceIn(settings, `notify_${occasion}`);

export interface NoteWords { news: (n: number) => string; mention: string; question: string; app: string }

/** What a notification says, by its user's choice of how much. Several are as the last, and how many. */
export function noteOf(calls: readonly Call[], show: "text" | "name" | "nothing", w: NoteWords): { title: string; body: string } | null {
  const last = calls.at(-1);
  if (!last) return null;
  const question = last.occasion === "question";
  const plain = question ? w.question : last.occasion === "mention" && calls.length === 1 ? w.mention : w.news(calls.length);
  if (show === "nothing") return { title: w.app, body: plain };
  if (show === "name" || last.text === "") return { title: last.who || w.app, body: plain };
  return { title: last.who || w.app, body: last.text };
}
