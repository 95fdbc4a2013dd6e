// Lists of messages: their order, and how two views of the same conversation become one; it must not know events.
import type { Message } from "../wire/types";

/** "/me waves" is how libpurple hands over what somebody does. */
export const ACTION = "/me ";

const DIGITS = /^\d+$/;

/** Order of message ids: by arrival. Plain numbers compare as numbers, all else letter by letter. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0;
  if (a.length !== b.length && DIGITS.test(a) && DIGITS.test(b)) {
    const left = a.replace(/^0+/, "");
    const right = b.replace(/^0+/, "");
    if (left.length !== right.length) return left.length - right.length;
    return left < right ? -1 : left > right ? 1 : 0;
  }
  return a < b ? -1 : 1;
}

/** Puts `message` in its place, or in place of the one with its id. */
export function insertMessage(list: readonly Message[], message: Message): Message[] {
  let at = list.length;
  while (at > 0) {
    const before = list[at - 1];
    if (!before) break;
    const order = compareIds(before.id, message.id);
    if (order === 0) {
      const copy = list.slice();
      copy[at - 1] = message;
      return copy;
    }
    if (order < 0) break;
    at--;
  }
  return [...list.slice(0, at), message, ...list.slice(at)];
}

/** The union by id; where both have one, `newer` wins. Both are in order. */
export function mergeMessages(older: readonly Message[], newer: readonly Message[]): Message[] {
  if (older.length === 0) return newer.slice();
  if (newer.length === 0) return older.slice();
  const out: Message[] = [];
  let i = 0;
  let j = 0;
  while (i < older.length || j < newer.length) {
    const a = older[i];
    const b = newer[j];
    if (!b || (a && compareIds(a.id, b.id) < 0)) {
      if (a) out.push(a);
      i++;
    } else {
      if (a && a.id === b.id) i++;
      out.push(b);
      j++;
    }
  }
  return out;
}

/** True when nothing links the two lists, so that messages may be missing between them. */
export function hasGap(older: readonly Message[], newer: readonly Message[]): boolean {
  const last = older.at(-1);
  const first = newer[0];
  return !!last && !!first && compareIds(last.id, first.id) < 0;
}

export function isSystem(message: Message): boolean {
  // An error line that no person wrote is one of the network's.
  return message.system === true || (message.state === "failed" && !message.from.self) || (message.from.name === "" && !message.from.self);
}

/** The last line of a conversation in a few words; in a room with its writer, unless the network itself says it. */
export function preview(last: Message, room: boolean): string {
  return room && !last.from.self && !isSystem(last) ? `${last.from.alias || last.from.name}: ${last.text}` : last.text;
}

const PART = String.raw`\p{Extended_Pictographic}(?:\p{Emoji_Modifier}|\ufe0f)?`;
const EMOJI = new RegExp(String.raw`^\s*(?:(?:\p{RI}{2}|[\d#*]\ufe0f?\u20e3|(?![©®™])${PART}[\u{e0020}-\u{e007f}]*(?:\u200d${PART})*)\s*){1,3}$`, "u");

/** Whether a text is one to three emoji and nothing else. */
export const bigEmoji = (text: string): boolean => text.length <= 60 && EMOJI.test(text);
