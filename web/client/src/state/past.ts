// How much of a conversation's history is held: the newest messages, or a part that is read far from them; gaps in it. Pure.
import type { Conversation, Gap, HistoryAnswer, Message, User } from "../wire/types";
import { compareIds, mergeMessages } from "./messages";
import type { Line, Talk } from "./model";

/** So many messages of a conversation are held at most. */
export const MOST = 600;
/** So many of the newest ones are left when they are not what is read. */
export const TAIL = 120;
/** So many gaps of a conversation are held at most: the latest. */
const GAPS = 200;

/** Whether all that was said can be fetched again: a guest's messages, and those of a conversation that is not kept, are here or nowhere. */
export const isWhole = (user: User, talk: Pick<Conversation, "keep">): boolean => !user.guest && talk.keep !== false;

/** The union, with what only this page knows. */
export function merged(older: readonly Line[], newer: readonly Message[]): Line[] {
  const marks = new Map(older.filter((one) => one.unkept).map((one) => [one.id, one]));
  const all: Line[] = mergeMessages(older, newer);
  return marks.size === 0 ? all : all.map((one) => (marks.has(one.id) ? { ...one, unkept: true } : one));
}

/** Both, in order. One with the same beginning and cause replaces the other: it has ended since. */
export function joinGaps(old: readonly Gap[] | null | undefined, more: readonly Gap[] | null | undefined): Gap[] | undefined {
  if (!more || more.length === 0) return old?.slice();
  const all = new Map([...(old ?? []), ...more].map((gap) => [`${gap.from} ${gap.why}`, gap]));
  return [...all.values()].sort((a, b) => Date.parse(a.from) - Date.parse(b.from)).slice(-GAPS);
}

const withGaps = (talk: Talk, answer: HistoryAnswer): Talk => {
  const gaps = joinGaps(talk.gaps, answer.gaps);
  return gaps ? { ...talk, gaps } : talk;
};

/** Older messages than the oldest one shown. */
export function older(talk: Talk, answer: HistoryAnswer, whole: boolean): Talk {
  const more = answer.more && answer.messages.length > 0;
  const next = withGaps(talk, answer);
  if (talk.past) {
    const messages = merged(answer.messages, talk.past.messages);
    return { ...next, past: { messages: messages.slice(0, MOST), more } };
  }
  const messages = merged(answer.messages, talk.messages);
  if (!whole || messages.length <= MOST) return { ...next, messages, more };
  return { ...next, messages: messages.slice(-TAIL), more: true, past: { messages: messages.slice(0, MOST), more } };
}

/** Newer messages than the newest one of the part that is read. Where that meets the newest there are, both are one again. */
export function newer(talk: Talk, answer: HistoryAnswer): Talk {
  if (!talk.past) return talk;
  const next = withGaps(talk, answer);
  const messages = merged(talk.past.messages, answer.messages);
  const last = messages.at(-1);
  const first = talk.messages[0];
  const met = !answer.more || answer.messages.length === 0 || (!!last && !!first && compareIds(last.id, first.id) >= 0);
  if (!met) {
    const kept = messages.slice(-MOST);
    return { ...next, past: { messages: kept, more: talk.past.more || kept.length < messages.length } };
  }
  const all = merged(messages, talk.messages);
  const kept = all.slice(-MOST);
  return { ...next, messages: kept, more: talk.past.more || kept.length < all.length, past: null };
}

/** A part of the history, wherever it is. Where that meets the newest there are, both are one. */
export function around(talk: Talk, answer: HistoryAnswer, whole: boolean): Talk {
  const next = withGaps(talk, answer);
  const last = answer.messages.at(-1);
  const first = talk.messages[0];
  if (!last) return next;
  const met = !answer.more_after || (first !== undefined && compareIds(last.id, first.id) >= 0);
  if (!met) return { ...next, past: { messages: merged([], answer.messages), more: answer.more } };
  const oldest = answer.messages[0];
  const more = oldest && first && compareIds(oldest.id, first.id) >= 0 ? talk.more : answer.more;
  const messages = merged(answer.messages, talk.messages);
  if (!whole || messages.length <= MOST) return { ...next, messages, more, past: null };
  return { ...next, messages: messages.slice(-TAIL), more: true, past: { messages: messages.slice(0, MOST), more } };
}

/** Back to the newest ones. */
export const newest = (talk: Talk): Talk => (talk.past ? { ...talk, past: null } : talk);

/** Nobody reads the older ones. */
export function trimmed(talk: Talk, whole: boolean): Talk {
  if (!whole || talk.messages.length <= MOST) return talk;
  return { ...talk, messages: talk.messages.slice(-TAIL), more: true };
}

/** Before which of the messages, by index, each run of gaps stands; at their number those after the last. A gap beside other messages has no place. */
export function placeGaps(messages: readonly Message[], gaps: readonly Gap[]): Map<number, Gap[]> {
  const places = new Map<number, Gap[]>();
  const at = new Map(messages.map((one, index) => [one.id, index]));
  for (const gap of gaps) {
    const after = gap.after == null ? undefined : at.get(gap.after);
    const before = gap.before == null ? undefined : at.get(gap.before);
    let place = after === undefined ? before : after + 1;
    if (place === undefined && messages.length === 0 && gap.before == null) place = 0;
    if (place !== undefined) places.set(place, [...(places.get(place) ?? []), gap]);
  }
  return places;
}
