// The signed-in state as signals, and the commands that change it; it must not draw.
import { batch, computed, signal } from "@preact/signals";
import { CallError, commandId, CommandError, history, makeLink, type LinkState } from "../net";
import { hearServerTime, setServerTime } from "./clock";
import type { Line, Model, Outgoing, Talk } from "../state/model";
import { isWhole, newer, newest, older, trimmed } from "../state/past";
import { addOutgoing, changeTalk, fillGap, markRead, markTried, markUnkept, settleOutgoing, UNKNOWN_FATE } from "../state/own";
import { apply, fromSnapshot } from "../state/reduce";
import type { CommandBody, HistoryAnswer, OwnStatus, Protocol, Site, Span, User, WireEvent } from "../wire/types";

export type Phase = { kind: "starting" } | { kind: "front"; reason: string | null } | { kind: "in" };

export const phase = signal<Phase>({ kind: "starting" });
export const model = signal<Model | null>(null);
export const linkState = signal<LinkState>({ kind: "idle" });
export const site = signal<Site | null>(null);
export const protocols = signal<Protocol[] | null>(null);

const none: ReadonlyMap<string, never> = new Map<string, never>();

// Parts of the state: who looks at one is not disturbed by changes of the others.
export const user = computed(() => model.value?.user ?? null);
export const accounts = computed(() => model.value?.accounts ?? none);
export const groups = computed(() => model.value?.groups ?? none);
export const buddies = computed(() => model.value?.buddies ?? none);
export const talks = computed(() => model.value?.talks ?? none);
export const requests = computed(() => model.value?.requests ?? none);
export const authorizations = computed(() => model.value?.authorizations ?? none);
export const notices = computed(() => model.value?.notices ?? none);
export const bookmarks = computed(() => model.value?.bookmarks ?? none);
export const searches = computed(() => model.value?.searches ?? none);
export const typing = computed(() => model.value?.typing ?? none);
export const outgoing = computed(() => model.value?.outgoing ?? none);
export const roomLists = computed(() => model.value?.roomLists ?? none);
export const ownStatus = computed((): OwnStatus => model.value?.status ?? { status: "available" });
export const settings = computed(() => model.value?.settings ?? {});
/** The conversation with each buddy who has one. */
export const talkOfBuddy = computed((): ReadonlyMap<string, Talk> => {
  const found = new Map<string, Talk>();
  for (const talk of talks.value.values()) if (talk.kind === "im" && talk.buddy) found.set(talk.buddy, talk);
  return found;
});

export const protocolOf = (id: string): Protocol | null => protocols.value?.find((one) => one.id === id) ?? null;

type Watcher = (events: readonly WireEvent[]) => void;
const watchers = new Set<Watcher>();
/** Called with each batch of live events, after they are in the state. */
export function onEvents(watcher: Watcher): void {
  watchers.add(watcher);
}
const attachWatchers = new Set<(first: boolean) => void>();
/** Called after each attach; `first` for the first of a session. */
export function onAttached(watcher: (first: boolean) => void): void {
  attachWatchers.add(watcher);
}

export const link = makeLink({
  attached(answer) {
    const first = model.value === null;
    denied.clear();
    setServerTime(answer.time);
    batch(() => {
      model.value = fromSnapshot(answer, model.value);
      if (phase.value.kind !== "in") phase.value = { kind: "in" };
    });
    for (const watcher of attachWatchers) watcher(first);
    void fillGaps();
  },
  events(events) {
    const old = model.value;
    if (!old) return;
    const last = events.at(-1);
    if (last) hearServerTime(last.time);
    batch(() => {
      model.value = apply(old, events);
      trim(events);
      for (const watcher of watchers) watcher(events);
    });
  },
  state(state) {
    linkState.value = state;
  },
  tried(ids, tried) {
    update((old) => markTried(old, ids, tried));
  },
  ended(code) {
    const was = phase.value.kind === "in";
    batch(() => {
      model.value = null;
      phase.value = { kind: "front", reason: was ? code : null };
    });
  },
});

export function update(change: (old: Model) => Model): void {
  if (model.value) model.value = change(model.value);
}

type Overseer = (id: string, type: CommandBody["type"], fields: Record<string, unknown>) => void;
const overseers = new Set<Overseer>();
/** Called with each command but messages, before it leaves. */
export function onCommand(overseer: Overseer): void {
  overseers.add(overseer);
}

/** Gives a command; resolves with its result, throws CommandError. `subject`: a newer one replaces an unsent older one. */
export function command<T = unknown>(type: CommandBody["type"], fields: Record<string, unknown> = {}, subject: string | null = null): Promise<T> {
  const id = commandId();
  for (const overseer of overseers) overseer(id, type, fields);
  return link.outbox.send({ ...fields, id, type }, subject) as Promise<T>;
}

/** A command whose failure is of no interest to anybody. */
export function tell(type: CommandBody["type"], fields: Record<string, unknown> = {}, subject: string | null = null): void {
  command(type, fields, subject).catch(() => undefined);
}

/** Sends text; the echo shows at once as pending. With `spans`, those are sent as they are. */
export function sendMessage(conversation: string, text: string, spans?: Span[]): void {
  const after = model.value?.talks.get(conversation)?.messages.at(-1)?.id ?? null;
  const base = { command: commandId(), conversation, text, after, time: new Date().toISOString(), state: "pending", error: null } as const;
  dispatch(spans ? { ...base, spans } : base);
}

/** Shows a message and sees that it is sent; one that has left already, from a page that is gone, is only asked about. */
export function dispatch(out: Outgoing): void {
  const { command: id, conversation, text, spans } = out;
  update((old) => addOutgoing(old, out));
  if (out.state !== "pending") return;
  link.outbox.send({ id, type: "message.send", conversation, ...(spans ? { spans } : { text }) }, null, out.tried === true).then(
    // The echo has come before; a slash command has none.
    (result) => {
      if ((result as { kept?: boolean } | null)?.kept === false) update((old) => markUnkept(old, conversation, id));
      update((old) => settleOutgoing(old, conversation, id, null));
    },
    (error: unknown) => {
      const known = error instanceof CommandError ? error : new CommandError({ code: "failed", message: String(error) });
      update((old) =>
        settleOutgoing(old, conversation, id, { state: known.unknown || known.code === UNKNOWN_FATE ? "unknown" : "failed", error: { code: known.code, message: known.message } }),
      );
    },
  );
}

/** Takes back a message that has not left this page. */
export function takeBackOutgoing(conversation: string, id: string): void {
  if (link.outbox.takeBack(id)) queueMicrotask(() => discardOutgoing(conversation, id));
}

export function discardOutgoing(conversation: string, id: string): void {
  update((old) => settleOutgoing(old, conversation, id, null));
}

/** So many are remembered; older ones have left the conversation's kept messages. */
const MOST_SETTLED = 60;
const settledKey = (conversation: string, id: string): string => `${conversation} ${id}`;
const settledList = (): string[] => {
  const list = settings.value["settled"];
  return Array.isArray(list) ? list.filter((one) => typeof one === "string") : [];
};
const settledSet = computed(() => new Set(settledList()));

/** Whether the writer has dealt with a message of unknown fate, here or in another browser. */
export const isSettled = (conversation: string, id: string): boolean => settledSet.value.has(settledKey(conversation, id));

/** Takes back what waits to be sent, or gives up what was not. */
export const takeBack = (conversation: string, id: string): void => tell("message.cancel", { conversation, message: id });

/** Takes the question away from a message of unknown fate; it stays marked. */
export function settle(conversation: string, id: string): void {
  const list = [...settledList().filter((one) => one !== settledKey(conversation, id)), settledKey(conversation, id)].slice(-MOST_SETTLED);
  update((old) => ({ ...old, settings: { ...old.settings, settled: list } }));
  tell("settings.set", { values: { settled: list } }, "settled");
}

/** Sends a message once more that failed, or whose fate is unknown. A user's is kept by the daemon, which does it. */
export function sendAgain(conversation: string, line: Line): void {
  if (user.value?.guest === false) return tell("message.resend", { conversation, message: line.id });
  if (isSettled(conversation, line.id)) return;
  settle(conversation, line.id);
  // As it was typed, if that is known; else a slash command was one before, and all else goes out as it stands.
  if (line.typed !== undefined || line.text.startsWith("/")) sendMessage(conversation, line.typed ?? line.text);
  else sendMessage(conversation, line.text, line.spans?.filter((span) => !span.image));
}

/** Conversations of which the daemon gives no history, until the next attach. */
const denied = new Set<string>();
/** Messages of a page of history. */
const PAGE = 100;
/** How long a page waits after one that failed; milliseconds. */
const AGAIN = 2000;
/** Conversations of which messages are on their way, and from which end. */
export const fetching = signal<ReadonlyMap<string, "before" | "after">>(new Map());

async function load(conversation: string, query: { before?: string | undefined; after?: string | undefined }, take: (talk: Talk, answer: HistoryAnswer, user: User) => Talk): Promise<void> {
  if (fetching.value.has(conversation) || denied.has(conversation)) return;
  fetching.value = new Map(fetching.value).set(conversation, query.after === undefined ? "before" : "after");
  try {
    const answer = await history(conversation, query, PAGE);
    update((old) => changeTalk(old, conversation, (talk, user) => take(talk, answer, user)));
  } catch (cause) {
    if (cause instanceof CallError && cause.refuses) denied.add(conversation);
    // Whoever still looks there then asks again.
    else await new Promise((done) => setTimeout(done, (cause instanceof CallError && cause.retryMs) || AGAIN));
  } finally {
    const rest = new Map(fetching.value);
    rest.delete(conversation);
    fetching.value = rest;
  }
}

/** Fetches what came before the oldest message shown. */
export async function loadEarlier(conversation: string): Promise<void> {
  const talk = model.value?.talks.get(conversation);
  const shown = talk?.past ?? talk;
  if (!shown?.more) return;
  const before = shown.messages[0]?.id;
  await load(conversation, { before }, (now, answer, user) => ((now.past ?? now).messages[0]?.id === before ? older(now, answer, isWhole(user, now)) : now));
}

/** Fetches what came after the newest message of the part that is read. */
export async function loadLater(conversation: string): Promise<void> {
  const after = model.value?.talks.get(conversation)?.past?.messages.at(-1)?.id;
  if (after === undefined) return;
  await load(conversation, { after }, (now, answer) => (now.past?.messages.at(-1)?.id === after ? newer(now, answer) : now));
}

/** Back to the newest messages. */
export const leavePast = (conversation: string): void => update((old) => changeTalk(old, conversation, newest));

/** Conversations whose older messages are being read. */
export const readers = new Set<string>();

function trim(events: readonly WireEvent[]): void {
  const told = new Set(events.map((event) => event["conversation"]).filter((id): id is string => typeof id === "string" && !readers.has(id)));
  for (const id of told) update((old) => changeTalk(old, id, (talk, user) => trimmed(talk, isWhole(user, talk))));
}

async function fillGaps(): Promise<void> {
  for (const [id, talk] of model.value?.talks ?? []) {
    let gap = talk.gap;
    try {
      for (let round = 0; gap !== null && round < 20; round++) {
        const answer = await history(id, { before: gap }, 200);
        update((old) => fillGap(old, id, answer.messages, answer.more));
        gap = model.value?.talks.get(id)?.gap ?? null;
      }
    } catch {
      // The gap stays marked; the next attach tries again.
    }
  }
}

export function readUpTo(conversation: string, upto: string): void {
  const talk = model.value?.talks.get(conversation);
  if (!talk || (talk.unread === 0 && talk.mentions === 0 && talk.read_upto === upto)) return;
  update((old) => markRead(old, conversation, upto));
  tell("conversation.read", { conversation, upto }, `read ${conversation}`);
}
