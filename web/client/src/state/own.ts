// What the page itself adds to the state: messages on their way, what the history gave, read marks before the daemon's own word. Pure.
import type { Message, User, WireError } from "../wire/types";
import { isKept } from "./keeping";
import { compareIds, mergeMessages } from "./messages";
import type { Model, Outgoing, Talk } from "./model";

export function addOutgoing(model: Model, message: Outgoing): Model {
  const list = model.outgoing.get(message.conversation) ?? [];
  return { ...model, outgoing: new Map(model.outgoing).set(message.conversation, [...list, message]) };
}

/** The error code of a command that was perhaps carried out, perhaps not. */
export const UNKNOWN_FATE = "unknown_fate";

/** After a gap in the events, the snapshot shows what became of a message without naming its command. */
const isTold = (line: Message, out: Outgoing): boolean =>
  line.state === "unknown" && line.from.self && line.text === out.text && (out.after === null || compareIds(line.id, out.after) > 0);

/** The send failed or its fate is unknown; `null` forgets it (sent, discarded, or a slash command that is done). */
export function settleOutgoing(model: Model, conversation: string, command: string, fate: { state: "failed" | "unknown"; error: WireError } | null): Model {
  const list = model.outgoing.get(conversation);
  if (!list) return model;
  const own = list.find((one) => one.command === command);
  if (fate?.error.code === UNKNOWN_FATE && own && model.talks.get(conversation)?.messages.some((line) => isTold(line, own))) fate = null;
  const next = fate ? list.map((one) => (one.command === command ? { ...one, ...fate } : one)) : list.filter((one) => one.command !== command);
  return { ...model, outgoing: new Map(model.outgoing).set(conversation, next) };
}

/** Messages of a gap in the events arrived from the history. */
export function fillGap(model: Model, conversation: string, messages: readonly Message[], more: boolean): Model {
  const talk = model.talks.get(conversation);
  if (!talk) return model;
  const joined = messages.length === 0 || !more || messages.some((one) => talk.messages.some((known) => known.id === one.id));
  const next: Talk = { ...talk, messages: mergeMessages(messages, talk.messages), gap: joined ? null : (messages[0]?.id ?? null) };
  return { ...model, talks: new Map(model.talks).set(conversation, next) };
}

/** The page takes another part of a conversation's history (see `past`). */
export function changeTalk(model: Model, conversation: string, change: (talk: Talk, user: User) => Talk): Model {
  const talk = model.talks.get(conversation);
  const next = talk && change(talk, model.user);
  return next && next !== talk ? { ...model, talks: new Map(model.talks).set(conversation, next) } : model;
}

/** What a command sent was not stored. */
export function markUnkept(model: Model, conversation: string, command: string): Model {
  // One that is never kept needs no mark.
  return changeTalk(model, conversation, (talk) => !isKept(model.settings, talk) ? talk : ({ ...talk, messages: talk.messages.map((one) => (one.command === command ? { ...one, unkept: true } : one)) }));
}

/** These have left the page, or were taken by nobody. */
export function markTried(model: Model, commands: ReadonlySet<string>, tried: boolean): Model {
  const outgoing = new Map(model.outgoing);
  for (const [id, list] of outgoing) {
    if (list.some((one) => commands.has(one.command))) outgoing.set(id, list.map((one) => (commands.has(one.command) ? { ...one, tried } : one)));
  }
  return { ...model, outgoing };
}

/** Shown as read at once; the daemon's own word follows. */
export function markRead(model: Model, conversation: string, upto: string): Model {
  const talk = model.talks.get(conversation);
  if (!talk || (talk.unread === 0 && talk.mentions === 0 && talk.read_upto === upto)) return model;
  return { ...model, talks: new Map(model.talks).set(conversation, { ...talk, unread: 0, mentions: 0, read_upto: upto }) };
}
