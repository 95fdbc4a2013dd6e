// Snapshot + events -> state, pure; it must not look at the clock, the network or the screen.
import type {
  Account, Attached, Authorization, Bookmark, Buddy, Conversation, Gap, Group, Member, Message, Notice, OwnStatus, Request, SavedSearch, Settings, Snapshot, Transfer, TypingState,
  User, WireError, WireEvent,
} from "../wire/types";
import { isKept } from "./keeping";
import { isWhole, joinGaps, merged } from "./past";
import { compareIds, hasGap, insertMessage, isSystem } from "./messages";
import { talkTitle } from "./names";
import type { Line, Model, RoomList, RoomRow, Talk } from "./model";

const byId = <T extends { id: string }>(list: readonly T[] | undefined): Map<string, T> => new Map((list ?? []).map((one) => [one.id, one]));

function ownStatus(status: Snapshot["status"] | undefined): OwnStatus {
  return status ?? { status: "available" };
}

function talkOf(conversation: Conversation, old: Talk | undefined, user: User): Talk {
  const messages = conversation.messages ?? [];
  const gaps = joinGaps(old?.gaps, conversation.gaps);
  // Messages that the daemon lets go of are still here, as long as nothing is missing between.
  const dropped = old && !hasGap(old.messages, messages) ? old.dropped : conversation.dropped;
  const { dropped: _told, ...plain } = conversation;
  const rest = { ...plain, title: talkTitle(conversation), ...(gaps ? { gaps } : {}), ...(dropped ? { dropped } : {}) };
  if (!old) return { ...rest, messages, more: true, gap: null, past: null };
  if (hasGap(old.messages, messages) && isWhole(user, conversation)) {
    // The history has what is between: it is fetched when somebody reads there.
    return { ...rest, messages, more: true, gap: null, past: old.past ?? { messages: old.messages, more: old.more } };
  }
  return {
    ...rest,
    messages: merged(old.messages, messages),
    more: old.more,
    gap: old.gap ?? (hasGap(old.messages, messages) ? (messages[0]?.id ?? null) : null),
    past: old.past,
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
    talks: new Map((snapshot.conversations ?? []).map((one) => [one.id, talkOf(one, kept?.talks.get(one.id), answer.user)])),
    requests: byId(snapshot.requests),
    authorizations: byId(snapshot.authorizations),
    notices: byId(snapshot.notices),
    transfers: byId(snapshot.transfers),
    bookmarks: byId(snapshot.bookmarks),
    searches: byId(snapshot.searches),
    roomLists: new Map(),
    typing: new Map(),
    outgoing: kept?.outgoing ?? new Map(),
    status: ownStatus(snapshot.status),
    settings: snapshot.settings ?? {},
    kept: snapshot.kept === true,
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

/** An account takes its buddies, its conversations and the groups left empty along, without events of their own. */
function accountGone(draft: Draft, id: string): void {
  draft.drop("accounts", id);
  const left = new Set<string>();
  for (const buddy of [...draft.model.buddies.values()]) {
    if (buddy.account === id) {
      draft.drop("buddies", buddy.id);
      left.add(buddy.group);
    }
  }
  for (const buddy of draft.model.buddies.values()) left.delete(buddy.group);
  for (const name of left) draft.drop("groups", name);
  for (const talk of [...draft.model.talks.values()]) if (talk.account === id) draft.drop("talks", talk.id);
  for (const mark of [...draft.model.bookmarks.values()]) if (mark.account === id) draft.drop("bookmarks", mark.id);
}

function account(draft: Draft, event: WireEvent): void {
  const id = subject(event, "account");
  if (!id) return;
  switch (event.type) {
    case "account.removed":
      return accountGone(draft, id);
    case "account.state": {
      // The parts of its standing that are absent no longer hold.
      const { progress: _progress, error: _error, retry_at: _retry, ...old } = draft.model.accounts.get(id) ?? ({} as Account);
      if (!old.id) return;
      const standing: Record<string, unknown> = { state: event["state"] };
      for (const key of ["progress", "error", "retry_at"]) if (event[key] !== undefined) standing[key] = event[key];
      draft.put("accounts", id, { ...old, ...standing });
      return;
    }
    case "account.status": {
      const { status_message: _message, ...old } = draft.model.accounts.get(id) ?? ({} as Account);
      if (!old.id) return;
      const message = event["status_message"];
      draft.put("accounts", id, { ...old, status: event["status"], idle: event["idle"] === true, ...(typeof message === "string" ? { status_message: message } : {}) });
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
    const patch: Partial<Talk> = { unread: Number(event["unread"] ?? 0), mentions: Number(event["mentions"] ?? 0) };
    if (typeof event["read_upto"] === "string") patch.read_upto = event["read_upto"];
    draft.patch<Talk>("talks", id, patch);
    return;
  }
  if (event.type === "conversation.gap") {
    const gap = whole<Gap>(event, "gap");
    const gaps = gap && joinGaps(draft.model.talks.get(id)?.gaps, [gap]);
    if (gaps) draft.patch<Talk>("talks", id, { gaps });
    return;
  }
  const full = whole<Conversation>(event, "conversation");
  if (!full) return;
  const old = draft.model.talks.get(id);
  const next = talkOf(full, old, draft.model.user);
  // An update that leaves members out says nothing about them.
  if (old && full.members === undefined && old.members !== undefined) next.members = old.members;
  draft.put("talks", id, next);
}

function dropOutgoing(draft: Draft, conversation: string, command: string): void {
  const list = draft.model.outgoing.get(conversation);
  if (list?.some((one) => one.command === command)) draft.put("outgoing", conversation, list.filter((one) => one.command !== command));
}

/** The history is empty, whatever was shown of it. */
function emptied(draft: Draft, event: WireEvent): void {
  const id = subject(event, "conversation") ?? "";
  draft.patch<Talk>("talks", id, { messages: [], more: false, gap: null, gaps: [], past: null, unread: 0, mentions: 0 });
}

const inPast = (talk: Talk, change: (list: Line[]) => Line[]): Pick<Talk, "past"> => ({ past: talk.past && { ...talk.past, messages: change(talk.past.messages) } });

function message(draft: Draft, event: WireEvent): void {
  const id = subject(event, "conversation");
  const talk = id ? draft.model.talks.get(id) : undefined;
  if (!id || !talk) return;
  if (event.type === "message.removed") {
    const without = (list: Line[]) => list.filter((one) => one.id !== event["message"]);
    draft.put("talks", id, { ...talk, messages: without(talk.messages), ...inPast(talk, without) });
    return;
  }
  const body = whole<Message>(event, "message");
  if (!body) return;
  const marked: Line = event.type === "message.system" && !isSystem(body) ? { ...body, system: true } : { ...body };
  if (event.type === "message.sent") {
    if (event.origin) marked.command = event.origin.command;
    if (!draft.model.user.guest && !draft.model.kept && isKept(draft.model.settings, talk)) marked.unkept = true;
  }
  if (event.origin && marked.state === "unknown") {
    const typed = draft.model.outgoing.get(id)?.find((one) => one.command === event.origin?.command)?.text;
    if (typed !== undefined) marked.typed = typed;
  }
  const again = (list: Line[]) => list.map((one) => (one.id === marked.id ? { ...marked, ...(one.unkept ? { unkept: true } : {}) } : one));
  if (event.type === "message.updated") {
    draft.put("talks", id, { ...talk, messages: again(talk.messages), ...inPast(talk, again) });
    return;
  }
  const known = talk.messages.some((one) => one.id === marked.id);
  const first = talk.messages[0];
  // An older one that is not shown (its fate has changed) would hide that there are others after it.
  const unseen = !known && first !== undefined && talk.more && compareIds(marked.id, first.id) < 0;
  const next: Talk = { ...talk, messages: unseen ? talk.messages : insertMessage(talk.messages, marked), ...inPast(talk, again) };
  // What a room replays on joining was said to others, some time ago.
  if (event.type === "message.received" && !known && !(talk.kind === "room" && marked.delayed)) {
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
  // One that failed stays, to be tried again: its command says so.
  if (event.origin && event.type === "message.sent") dropOutgoing(draft, id, event.origin.command);
}

function typing(draft: Draft, event: WireEvent): void {
  const id = subject(event, "conversation");
  if (!id) return;
  const who = String(event["who"] ?? "");
  const state = event["state"] as TypingState;
  const { [who]: _gone, ...rest } = draft.model.typing.get(id) ?? {};
  draft.put("typing", id, state === "none" ? rest : { ...rest, [who]: state });
}

function members(draft: Draft, event: WireEvent): void {
  const id = subject(event, "conversation");
  const talk = id ? draft.model.talks.get(id) : undefined;
  if (!id || !talk) return;
  // A nick change is one that left and one that joined.
  const map = new Map(event["initial"] === true ? [] : (talk.members ?? []).map((one) => [one.name, one]));
  for (const name of (event["left"] as string[] | undefined) ?? []) map.delete(name);
  for (const one of (event["joined"] as Member[] | undefined) ?? []) map.set(one.name, one);
  for (const one of (event["changed"] as Member[] | undefined) ?? []) map.set(one.name, one);
  draft.put("talks", id, { ...talk, members: [...map.values()] });
}

function roomList(draft: Draft, event: WireEvent): void {
  const id = String(event["list"] ?? "");
  const rows = (event["rows"] as RoomRow[] | undefined) ?? [];
  const list: RoomList = { id, rows: [...(draft.model.roomLists.get(id)?.rows ?? []), ...rows], running: event["more"] === true, error: (event["error"] as WireError | undefined) ?? null };
  draft.put("roomLists", id, list);
}

/** Things that are opened, shown and closed whole, and where they live. */
const KEPT: Record<string, { map: "requests" | "authorizations" | "notices" | "transfers" | "bookmarks" | "searches"; key: string }> = {
  request: { map: "requests", key: "request" },
  authorization: { map: "authorizations", key: "authorization" },
  notice: { map: "notices", key: "notice" },
  transfer: { map: "transfers", key: "transfer" },
  bookmark: { map: "bookmarks", key: "bookmark" },
  search: { map: "searches", key: "search" },
};

function kept(draft: Draft, event: WireEvent, kind: string): void {
  const place = KEPT[kind];
  if (!place) return;
  const full = whole<Request | Authorization | Notice | Transfer | Bookmark | SavedSearch>(event, place.key);
  if (event.type === "notice.rows") {
    const old = draft.model.notices.get(String(event["notice"]));
    if (old) draft.put("notices", old.id, { ...old, rows: [...(old.rows ?? []), ...((event["rows"] as string[][] | undefined) ?? [])] });
    return;
  }
  if (/\.(closed|removed)$/.test(event.type)) {
    const id = subject(event, place.key);
    if (id) draft.drop(place.map, id);
  } else if (full) {
    draft.put(place.map, full.id, full);
  }
}

/** Changed keys only; null takes one away. */
function settings(draft: Draft, values: Settings): void {
  const next = { ...draft.model.settings, ...values };
  for (const key of Object.keys(values)) if (values[key] === null) delete next[key];
  draft.model.settings = next;
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
      if (event.type === "room.list") return roomList(draft, event);
      return;
    case "mail":
      return draft.patch<Account>("accounts", subject(event, "account") ?? "", { mail: Number(event["count"] ?? 0) });
    case "settings":
      return settings(draft, (event["values"] ?? {}) as Settings);
    case "history":
      return event.type === "history.deleted" ? emptied(draft, event) : undefined;
    case "kept":
      draft.model.kept = event["kept"] === true;
      return;
    case "user": {
      const user = whole<User>(event, "user");
      if (user) draft.model.user = user;
      return;
    }
    case "status":
      draft.model.status = { status: String(event["status"]) as OwnStatus["status"], ...(typeof event["message"] === "string" ? { message: event["message"] } : {}) };
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
