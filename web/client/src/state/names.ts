// Names of people and rooms, and the one colour that each has everywhere; pure.
import type { Account, Conversation } from "../wire/types";
import { fold } from "./order";

const ADDRESS = /^(?:sips?:)?([^@\s/]+)@[^@\s/]+(?:\/(.*))?$/;

/** "gardeners" of gardeners@rooms.example.org; a name that is no address as it is. */
export const shortName = (name: string): string => ADDRESS.exec(name)?.[1] ?? name;

/** Whom a name means: of an occupant of a room (room@host/nick) the nick. */
const occupant = (name: string): string => ADDRESS.exec(name)?.[2] || shortName(name);

/** The name of a conversation where the network knows no better name than its address. */
export function talkTitle({ kind, name, title }: Pick<Conversation, "kind" | "name" | "title">): string {
  const known = title || name;
  return kind === "room" ? shortName(known) : known === name ? occupant(known) : known;
}

/** The user's name on an account: "Ines" of ines@example.org. */
export function ownName(account: Pick<Account, "alias" | "username">): string {
  return account.alias || shortName(account.username).replace(/^\p{Ll}/u, (letter) => letter.toUpperCase());
}

/** The one whom a name means: an exact match, else the first that differs in capitals only. Accents count: anná is not anna. */
export function named<T extends { name: string }>(all: Iterable<T>, name: string): T | undefined {
  const small = name.toLowerCase();
  let found: T | undefined;
  for (const one of all) {
    if (one.name === name) return one;
    if (one.name.toLowerCase() === small) found ??= one;
  }
  return found;
}

/** The address in a link of mailto: or xmpp:, decoded as far as it can be; null for other links. */
export function addressIn(link: string): string | null {
  const address = /^(?:mailto|xmpp):([^?]+)/i.exec(link)?.[1];
  if (address === undefined) return null;
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}

/** A well-mixed number for a text, the same everywhere. */
export function mix(text: string): number {
  let sum = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) sum = Math.imul(sum ^ text.charCodeAt(at), 0x01000193);
  sum ^= sum >>> 13;
  sum = Math.imul(sum, 0x5bd1e995);
  return (sum ^ (sum >>> 15)) >>> 0;
}

/** Colours that people have: the tokens `nick-0` and on, and `tone-0` and on. */
export const TONES = 12;

/** The number of a person's colour, by the name on the network: an address, a nick, or both with the same beginning. */
export const toneOf = (name: string): number => mix(fold(occupant(name)).replace(/[_`|^]+$/, "")) % TONES;

/** Patterns that plugins put before and behind a network's name: "msteams", "skypeweb". */
const BEFORE = "(?:purple|lib|ms|go)?";
const BEHIND = "(?:purple|web|tdlib|chat)?";

/** The one of these names that is a whole word of a plugin's id: "msteams" is no Steam. */
export function networkIn(id: string, names: readonly string[]): string | undefined {
  const words = id.split(/[^a-z0-9]+/);
  return names.find((name) => words.some((word) => new RegExp(`^${BEFORE}${name}${BEHIND}$`).test(word)));
}
