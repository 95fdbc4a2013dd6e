// Snapshot + events -> state, pure; it must not look at the clock, the network or the screen.
import type {
  Account, Attached, Authorization, Buddy, Conversation, Group, Member, Message, Notice, OwnStatus, Request, Snapshot, Transfer, TypingState,
  WireError, WireEvent,
} from "../wire/types";
import { hasGap, insertMessage, isSystem, mergeMessages } from "./messages";
import type { Invitation, Model, Outgoing, RoomList, RoomRow, Talk } from "./model";

const byId = <T extends { id: string }>(list: readonly T[] | undefined): Map<string, T> => new Map((list ?? []).map((one) => [one.id, one]));

function ownStatus(status: Snapshot["status"] | undefined): OwnStatus {
  if (typeof status === "string") return { status };
  return status ?? { status: "available" };
}

function talkOf(conversation: Conversation, old: Talk | undefined): Talk {
  const messages = conversation.messages ?? [];
  return {
    ...conversation,
    messages: old ? mergeMessages(old.messages, messages) : messages,
    more: old ? old.more : true,
    gap: old?.gap ?? (old && hasGap(old.messages, messages) ? (messages[0]?.id ?? null) : null),
  };
}

/** The state as of an attach; what an earlier state knew of messages is kept and merged by id. */
export function fromSnapshot(answer: Attached, old: Model | null = null): Model {
  const { snapshot } = answer;
  const kept = old && old.user.id === answer.user.id ? old : null;
  return {
    user: answer.user,
    epoch: answer.epoch,
    seq: answer.seq,
    accounts: byId(snapshot.accounts),
    groups: new Map((snapshot.groups ?? []).map((group) => [group.name, group])),
    buddies: byId(snapshot.buddies),
    talks: new Map((snapshot.conversations ?? []).map((one) => [one.id, talkOf(one, kept?.talks.get(one.id))])),
    requests: byId(snapshot.requests),
    authorizations: byId(snapshot.authorizations),
    notices: byId(snapshot.notices),
    transfers: byId(snapshot.transfers),
    invitations: kept?.invitations ?? new Map(),
    roomLists: new Map(),
    typing: new Map(),
    outgoing: kept?.outgoing ?? new Map(),
    status: ownStatus(snapshot.status),
    settings: snapshot.settings ?? {},
  };
}

/** One batch of changes: each map is copied at most once, on its first change. */
class Draft {
  private readonly fresh = new Set<keyof Model>();
  readonly model: Model;

  constructor(model: Model) {
    this.model = { ...model };
  }

  private map<K extends keyof Model, V>(key: K): Map<string, V> {
    if (!this.fresh.has(key)) {
      this.fresh.add(key);
      (this.model as unknown as Record<string, unknown>)[key] = new Map(this.model[key] as unknown as Map<string, V>);
    }
    return this.model[key] as unknown as Map<string, V>;
  }

  put<K extends keyof Model>(key: K, id: string, value: unknown): void {
    this.map<K, unknown>(key).set(id, value);
  }

  drop<K extends keyof Model>(key: K, id: string): void {
    if ((this.model[key] as unknown as Map<string, unknown>).has(id)) this.map(key).delete(id);
  }

  patch<T extends object>(key: keyof Model, id: string, change: Partial<T>): void {
    const old = (this.model[key] as unknown as Map<string, T>).get(id);
    if (old) this.put(key, id, { ...old, ...change });
  }
}

/** An event names its subject by id, or carries the whole object under the same key. */
function subject(event: WireEvent, key: string): string | null {
  const value = event[key] ?? event["id"];
  if (typeof value === "string") return value;
  if (value && typeof value === "object") return String((value as { id?: unknown; name?: unknown }).id ?? (value as { name?: unknown }).name ?? "");
  return null;
}

function whole<T>(event: WireEvent, key: string): T | null {
  const value = event[key];
  return value && typeof value === "object" ? (value as T) : null;
}

function account(draft: Draft, event: WireEvent): void {
  const id = subject(event, "account");
  if (!id) return;
  switch (event.type) {
    case "account.removed":
      draft.drop("accounts", id);
      return;
    case "account.state": {
      const patch: Partial<Account> = { state: event["state"] as Account["state"] };
      patch.progress = (event["progress"] as Account["progress"]) ?? null;
      patch.error = (event["error"] as Account["error"]) ?? null;
      patch.retry_at = (event["retry_at"] as string | undefined) ?? null;
      draft.patch<Account>("accounts", id, patch);
      return;
    }
    case "account.status": {
      const patch: Partial<Account> = {};
      if (typeof event["status"] === "string") patch.status = event["status"];
      if ("status_message" in event || "message" in event) patch.status_message = (event["status_message"] ?? event["message"] ?? null) as string | null;
      if ("idle" in event) patch.idle = event["idle"] as Account["idle"];
      draft.patch<Account>("accounts", id, patch);
      return;
    }
    default: {
      const full = whole<Account>(event, "account");
      if (full) draft.put("accounts", full.id, full);
    }
  }
}

function buddy(draft: Draft, event: WireEvent): void {
  if (event.type === "buddy.removed") {
    const many = (event["buddies"] as (string | Buddy)[] | undefined) ?? [];
    for (const one of many) draft.drop("buddies", typeof one === "string" ? one : one.id);
    const id = subject(event, "buddy");
    if (id) draft.drop("buddies", id);
    return;
  }
  const full = whole<Buddy>(event, "buddy");
  for (const one of full ? [full] : ((event["buddies"] as Buddy[] | undefined) ?? [])) draft.put("buddies", one.id, one);
}

function group(draft: Draft, event: WireEvent): void {
  const full = whole<Group>(event, "group");
  const name = full?.name ?? (event["group"] as string | undefined) ?? (event["name"] as string | undefined);
  if (!name) return;
  if (event.type === "group.removed") {
    draft.drop("groups", name);
    return;
  }
  const old = event["old_name"] ?? event["was"];
  if (typeof old === "string") draft.drop("groups", old);
  if (full) draft.put("groups", full.name, full);
}

function conversation(draft: Draft, event: WireEvent): void {
  const id = subject(event, "conversation");
  if (!id) return;
  if (event.type === "conversation.closed") {
    draft.drop("talks", id);
    draft.drop("typing", id);
    return;
  }
  if (event.type === "conversation.read") {
    const patch: Partial<Talk> = {};
    patch.read_upto = (event["read_upto"] ?? event["upto"] ?? null) as string | null;
    patch.unread = Number(event["unread"] ?? 0);
    patch.mentions = Number(event["mentions"] ?? 0);
    draft.patch<Talk>("talks", id, patch);
    return;
  }
  const full = whole<Conversation>(event, "conversation");
  if (!full) return;
  const old = draft.model.talks.get(id);
  const next = talkOf(full, old);
  // An update that leaves members out says nothing about them.
  if (old && full.members === undefined && old.members !== undefined) next.members = old.members;
  draft.put("talks", id, next);
}

function dropOutgoing(draft: Draft, conversation: string, command: string): void {
  const list = draft.model.outgoing.get(conversation);
  if (list?.some((one) => one.command === command)) draft.put("outgoing", conversation, list.filter((one) => one.command !== command));
}

function message(draft: Draft, event: WireEvent): void {
  const id = subject(event, "conversation");
  const talk = id ? draft.model.talks.get(id) : undefined;
  const body = whole<Message>(event, "message");
  if (!id || !talk || !body) return;
  const marked = event.type === "message.system" && !isSystem(body) ? { ...body, system: true } : body;
  const known = talk.messages.some((one) => one.id === marked.id);
  const next: Talk = { ...talk, messages: insertMessage(talk.messages, marked) };
  if (event.type === "message.received" && !known && !isSystem(marked) && !marked.from?.self) {
    next.unread = talk.unread + 1;
    if (marked.highlight) next.mentions = talk.mentions + 1;
    const who = marked.from?.name;
    const states = draft.model.typing.get(id);
    if (who !== undefined && states) {
      const { [who]: _gone, ...rest } = states;
      draft.put("typing", id, talk.kind === "im" ? {} : rest);
    }
  }
  draft.put("talks", id, next);
  if (event.origin) dropOutgoing(draft, id, event.origin.command);
}

function typing(draft: Draft, event: WireEvent): void {
  const id = subject(event, "conversation");
  if (!id) return;
  const who = String(event["who"] ?? "");
  const state = event["state"] as TypingState;
  const { [who]: _gone, ...rest } = draft.model.typing.get(id) ?? {};
  draft.put("typing", id, state === "none" ? rest : { ...rest, [who]: state });
}

const memberOf = (value: string | Member): Member => (typeof value === "string" ? { name: value } : value);

function members(draft: Draft, event: WireEvent): void {
  const id = subject(event, "conversation");
  const talk = id ? draft.model.talks.get(id) : undefined;
  if (!id || !talk) return;
  const map = new Map((talk.members ?? []).map((one) => [one.name, one]));
  for (const one of (event["left"] as (string | Member)[] | undefined) ?? []) map.delete(memberOf(one).name);
  for (const raw of (event["changed"] as (Member & { was?: string; old_name?: string })[] | undefined) ?? []) {
    const { was, old_name, ...one } = raw;
    const before = was ?? old_name;
    if (before) map.delete(before);
    map.set(one.name, one);
  }
  for (const one of (event["joined"] as (string | Member)[] | undefined) ?? []) map.set(memberOf(one).name, memberOf(one));
  draft.put("talks", id, { ...talk, members: [...map.values()] });
}

function invited(draft: Draft, event: WireEvent): void {
  const invitation: Invitation = {
    id: String(event["invitation"] ?? event["id"] ?? event.seq),
    account: typeof event.account === "string" ? event.account : "",
    room: String(event["room"] ?? event["name"] ?? ""),
    from: String(event["from"] ?? event["who"] ?? ""),
    message: (event["message"] as string | undefined) ?? null,
    fields: whole<Record<string, unknown>>(event, "fields"),
  };
  draft.put("invitations", invitation.id, invitation);
}

function roomList(draft: Draft, event: WireEvent): void {
  const id = String(event["list"] ?? event["id"] ?? "");
  const old = draft.model.roomLists.get(id);
  const rows = ((event["rows"] ?? event["rooms"]) as RoomRow[] | undefined) ?? [];
  const list: RoomList = {
    id,
    account: typeof event.account === "string" ? event.account : (old?.account ?? ""),
    columns: (event["columns"] as string[] | undefined) ?? old?.columns ?? [],
    rows: [...(old?.rows ?? []), ...rows],
    running: event["done"] !== true && event["in_progress"] !== false,
  };
  draft.put("roomLists", id, list);
}

/** Things that are opened, shown and closed whole, and where they live. */
const KEPT: Record<string, { map: "requests" | "authorizations" | "notices" | "transfers"; key: string }> = {
  request: { map: "requests", key: "request" },
  authorization: { map: "authorizations", key: "authorization" },
  notice: { map: "notices", key: "notice" },
  transfer: { map: "transfers", key: "transfer" },
};

function kept(draft: Draft, event: WireEvent, kind: string): void {
  const place = KEPT[kind];
  if (!place) return;
  const full = whole<Request | Authorization | Notice | Transfer>(event, place.key);
  if (event.type.endsWith(".closed") && kind !== "transfer") {
    const id = subject(event, place.key);
    if (id) draft.drop(place.map, id);
  } else if (full) {
    draft.put(place.map, full.id, full);
  } else {
    const id = subject(event, place.key);
    const { seq: _s, type: _t, time: _w, origin: _o, account: _a, [place.key]: _k, ...change } = event;
    if (id) draft.patch(place.map, id, change);
  }
}

function one(draft: Draft, event: WireEvent): void {
  const kind = event.type.split(".", 1)[0] ?? "";
  switch (kind) {
    case "account":
      return account(draft, event);
    case "buddy":
      return buddy(draft, event);
    case "group":
      return group(draft, event);
    case "conversation":
      return conversation(draft, event);
    case "message":
      return message(draft, event);
    case "typing":
      return typing(draft, event);
    case "room":
      if (event.type === "room.members") return members(draft, event);
      if (event.type === "room.topic") return draft.patch<Talk>("talks", subject(event, "conversation") ?? "", { topic: (event["topic"] as string | null) ?? null });
      if (event.type === "room.invited") return invited(draft, event);
      if (event.type === "room.list") return roomList(draft, event);
      return;
    case "mail":
      return draft.patch<Account>("accounts", subject(event, "account") ?? "", { mail: (event["mail"] as Account["mail"]) ?? { count: Number(event["count"] ?? 0) } });
    case "settings":
      draft.model.settings = { ...draft.model.settings, ...((event["settings"] ?? event["values"] ?? {}) as object) };
      return;
    case "status":
      draft.model.status = ownStatus((whole<OwnStatus>(event, "status") ?? { status: event["status"], message: event["message"] }) as OwnStatus);
      return;
    default:
      return kept(draft, event, kind);
  }
}

/** Applies a poll's events in order. Events at or before the state's own `seq` are skipped. */
export function apply(model: Model, events: readonly WireEvent[]): Model {
  const draft = new Draft(model);
  for (const event of events) {
    if (event.seq <= draft.model.seq) continue;
    draft.model.seq = event.seq;
    one(draft, event);
  }
  return draft.model;
}

// What the page itself adds.

export function addOutgoing(model: Model, message: Outgoing): Model {
  const list = model.outgoing.get(message.conversation) ?? [];
  return { ...model, outgoing: new Map(model.outgoing).set(message.conversation, [...list, message]) };
}

/** The send failed or its fate is unknown; `null` forgets it (sent, discarded, or a slash command that is done). */
export function settleOutgoing(model: Model, conversation: string, command: string, fate: { state: "failed" | "unknown"; error: WireError } | null): Model {
  const list = model.outgoing.get(conversation);
  if (!list) return model;
  const next = fate ? list.map((one) => (one.command === command ? { ...one, ...fate } : one)) : list.filter((one) => one.command !== command);
  return { ...model, outgoing: new Map(model.outgoing).set(conversation, next) };
}

/** Older messages arrived from the history. */
export function addHistory(model: Model, conversation: string, messages: readonly Message[], more: boolean, filling = false): Model {
  const talk = model.talks.get(conversation);
  if (!talk) return model;
  const joined = filling && (messages.length === 0 || !more || messages.some((one) => talk.messages.some((known) => known.id === one.id)));
  const next: Talk = { ...talk, messages: mergeMessages(messages, talk.messages) };
  if (filling) next.gap = joined ? null : (messages[0]?.id ?? null);
  else next.more = more;
  return { ...model, talks: new Map(model.talks).set(conversation, next) };
}

/** Shown as read at once; the daemon's own word follows. */
export function markRead(model: Model, conversation: string, upto: string): Model {
  const talk = model.talks.get(conversation);
  if (!talk || (talk.unread === 0 && talk.mentions === 0 && talk.read_upto === upto)) return model;
  return { ...model, talks: new Map(model.talks).set(conversation, { ...talk, unread: 0, mentions: 0, read_upto: upto }) };
}

export function dropInvitation(model: Model, id: string): Model {
  const invitations = new Map(model.invitations);
  invitations.delete(id);
  return { ...model, invitations };
}
