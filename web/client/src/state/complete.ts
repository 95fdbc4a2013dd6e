// Words that are completed while they are typed: who is meant, which emoji; pure.
import { compareNames } from "./order";
import type { Talk } from "./model";

/** What stands before the caret and may be completed, from `start` on. */
export interface Token { kind: "nick" | "emoji"; start: number; query: string }

const EMOJI = /(?:^|[\s([{"'])(:([\p{L}\p{N}_+-]{2,40}))$/u;
const NICK = /(?:^|[\s([{"'])(@([^\s@]{0,60}))$/u;

/** `room`: there are people to be named. */
export function tokenAt(text: string, caret: number, room: boolean): Token | null {
  const before = text.slice(Math.max(0, caret - 80), caret);
  for (const [kind, pattern] of [["emoji", EMOJI], ["nick", NICK]] as const) {
    if (kind === "nick" && !room) continue;
    const found = pattern.exec(before);
    if (found) return { kind, start: caret - (found[1] ?? "").length, query: found[2] ?? "" };
  }
  return null;
}

/** An emoji's name with both colons, as it has just been finished: `:thumbs_up:`. */
export function closedName(text: string, caret: number): Token | null {
  const found = /(?:^|[\s([{"'])(:([\p{L}\p{N}_+-]{2,40}):)$/u.exec(text.slice(Math.max(0, caret - 80), caret));
  return found ? { kind: "emoji", start: caret - (found[1] ?? "").length, query: found[2] ?? "" } : null;
}

/** The letters before the caret, for Tab. */
export function wordAt(text: string, caret: number): Token | null {
  const query = /(\S+)$/.exec(text.slice(0, caret))?.[1];
  return query === undefined ? null : { kind: "nick", start: caret - query.length, query };
}

/** Names in a room that begin so: who spoke last comes first, then by name. Oneself is not among them. */
export function nicks(talk: Pick<Talk, "members" | "messages" | "nick">, query: string): string[] {
  const begin = query.replace(/^@/, "").toLowerCase();
  const spoke = new Map<string, number>();
  talk.messages.forEach((message, at) => spoke.set(message.from.name, at));
  const names = (talk.members ?? []).map((one) => one.name).filter((name) => name !== talk.nick && name.toLowerCase().startsWith(begin));
  return names.sort((a, b) => (spoke.get(b) ?? -1) - (spoke.get(a) ?? -1) || compareNames(a, b));
}

/** A name as it stands in a text: at the beginning of a line somebody is spoken to. */
export const mention = (text: string, start: number, name: string): string => name + (start === 0 || text[start - 1] === "\n" ? ": " : " ");
