// Completes words while they are typed: names and emoji; pure. Does not draw (see ui/talk/Assist.tsx).
import { compareKeys, sortKey } from "./order";
import type { Talk } from "./model";

/** No name and no emoji is looked for in more characters than these before the caret. */
const LONGEST = 80;

/** The begun name or emoji before the caret, from `start` on. */
export interface Token { kind: "nick" | "emoji"; start: number; query: string }

const EMOJI = /(?:^|[\s([{"'])(:([\p{L}\p{N}_+-]{2,40}))$/u;
const NICK = /(?:^|[\s([{"'])(@([^\s@]{0,60}))$/u;

/** `room`: there are people to be named. */
export function tokenAt(text: string, caret: number, room: boolean): Token | null {
  const before = text.slice(Math.max(0, caret - LONGEST), caret);
  for (const [kind, pattern] of [["emoji", EMOJI], ["nick", NICK]] as const) {
    if (kind === "nick" && !room) continue;
    const found = pattern.exec(before);
    if (found) return { kind, start: caret - (found[1] ?? "").length, query: found[2] ?? "" };
  }
  return null;
}

/** An emoji's name with both colons, as it has just been finished: `:thumbs_up:`. */
export function closedName(text: string, caret: number): Token | null {
  const found = /(?:^|[\s([{"'])(:([\p{L}\p{N}_+-]{2,40}):)$/u.exec(text.slice(Math.max(0, caret - LONGEST), caret));
  return found ? { kind: "emoji", start: caret - (found[1] ?? "").length, query: found[2] ?? "" } : null;
}

/** The letters before the caret, for Tab. */
export function wordAt(text: string, caret: number): Token | null {
  const query = /\S+$/.exec(text.slice(Math.max(0, caret - LONGEST - 1), caret))?.[0] ?? "";
  return query === "" || query.length > LONGEST ? null : { kind: "nick", start: caret - query.length, query };
}

/** Names in a room that begin so: who spoke last comes first, then by name. Oneself is not among them. */
export function nicks(talk: Pick<Talk, "members" | "messages" | "nick">, query: string): string[] {
  const begin = query.replace(/^@/, "").toLowerCase();
  const spoke = new Map<string, number>();
  talk.messages.forEach((message, at) => spoke.set(message.from.name, at));
  const names = (talk.members ?? []).map((one) => one.name).filter((name) => name !== talk.nick && name.toLowerCase().startsWith(begin));
  // A room may have thousands: keys are made once.
  const keyed = names.map((name) => ({ name, at: spoke.get(name) ?? -1, key: sortKey(name) }));
  return keyed.sort((a, b) => b.at - a.at || compareKeys(a.key, b.key)).map((one) => one.name);
}

/** Characters that may stand before a command: blanks and invisible ones. */
const BLANK = /^[\s\p{C}\p{DI}\u2800]*$/u;
const SLASH = /^[\s\p{C}\p{DI}\u2800]*[/／]/u;

/** A name for a text; at the beginning of a line a colon follows, for somebody is spoken to. A name that would make a command of the text gets an `@`. */
export function mention(text: string, start: number, name: string): string {
  const slash = SLASH.test(name) && BLANK.test(text.slice(0, start));
  return (slash ? "@" : "") + name + (start === 0 || text[start - 1] === "\n" ? ": " : " ");
}
