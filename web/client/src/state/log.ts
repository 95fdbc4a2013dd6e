// From messages to what a conversation shows: days, groups of bubbles, the unread line, condensed comings and goings; pure.
import type { Gap, Message } from "../wire/types";
import { compareIds, isSystem } from "./messages";
import type { Line, Outgoing } from "./model";
import { placeGaps } from "./past";

export type LogItem =
  | { kind: "day"; key: string; time: string }
  | { kind: "unread"; key: string }
  | { kind: "gap"; key: string; from: string; to: string | null; why: Gap["why"][] }
  | { kind: "system"; key: string; message: Message; count: number; texts: string[] }
  | { kind: "message"; key: string; message: Line; first: boolean; last: boolean }
  | { kind: "outgoing"; key: string; out: Outgoing; first: boolean; last: boolean };

/** Messages of one sender closer than this belong together; milliseconds. */
const TOGETHER = 3 * 60_000;

const CROWD = /\b(entered|left|joined|quit|parted|has (?:entered|left|joined|quit)|disconnected)\b/i;

/** A line that only says who came or went. */
export function isCrowd(message: Message): boolean {
  return isSystem(message) && message.text.length < 300 && CROWD.test(message.text);
}

const dayOf = (time: string): string => {
  const date = new Date(time);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
};

const sender = (message: Message): string => (message.from?.self ? "\u0000self" : (message.from?.name ?? ""));

function together(a: Message, b: Message): boolean {
  return sender(a) === sender(b) && !!a.delayed === !!b.delayed && Math.abs(Date.parse(b.time) - Date.parse(a.time)) < TOGETHER;
}

/** Gaps with nothing said between them are one line. */
function gapItem(gaps: readonly Gap[]): LogItem | null {
  const [first] = gaps;
  if (!first) return null;
  const ends = gaps.map((gap) => gap.to ?? null);
  const to = ends.includes(null) ? null : ends.reduce((a, b) => (Date.parse(b ?? "") > Date.parse(a ?? "") ? b : a));
  return { kind: "gap", key: `gap/${first.from}`, from: first.from, to, why: [...new Set(gaps.map((gap) => gap.why))] };
}

export function logItems(messages: readonly Line[], outgoing: readonly Outgoing[], unreadAfter: string | null, gaps: readonly Gap[] = []): LogItem[] {
  const items: LogItem[] = [];
  const holes = placeGaps(messages, gaps);
  let day = "";
  let marked = unreadAfter === null;
  let before: Message | null = null;
  const closeGroup = () => {
    const last = items.at(-1);
    if (last?.kind === "message") last.last = true;
  };
  const hole = (at: number) => {
    const item = gapItem(holes.get(at) ?? []);
    if (!item) return;
    closeGroup();
    before = null;
    items.push(item);
  };
  for (const [at, message] of messages.entries()) {
    hole(at);
    const today = dayOf(message.time);
    if (today !== day) {
      closeGroup();
      day = today;
      before = null;
      items.push({ kind: "day", key: `day/${message.id}`, time: message.time });
    }
    if (!marked && unreadAfter !== null && compareIds(message.id, unreadAfter) > 0 && !message.from?.self && !isSystem(message)) {
      closeGroup();
      marked = true;
      before = null;
      items.push({ kind: "unread", key: "unread" });
    }
    if (isSystem(message)) {
      closeGroup();
      before = null;
      const last = items.at(-1);
      if (last?.kind === "system" && !message.topic === !last.message.topic && (message.topic || (isCrowd(message) && isCrowd(last.message)))) {
        last.count++;
        last.texts.push(message.text);
      } else {
        items.push({ kind: "system", key: message.id, message, count: 1, texts: [message.text] });
      }
      continue;
    }
    const joins = before !== null && together(before, message);
    if (!joins) closeGroup();
    items.push({ kind: "message", key: message.id, message, first: !joins, last: false });
    before = message;
  }
  hole(messages.length);
  const lastOwn = (before as Message | null)?.from?.self === true;
  if (!lastOwn) closeGroup();
  outgoing.forEach((out, at) => {
    items.push({ kind: "outgoing", key: `out/${out.command}`, out, first: at === 0 && !lastOwn, last: at === outgoing.length - 1 });
  });
  if (outgoing.length === 0) closeGroup();
  return items;
}
