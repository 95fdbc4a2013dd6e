// The signed-in state as signals, and the commands that change it; it must not draw.
import { batch, computed, signal } from "@preact/signals";
import { commandId, CommandError, history, makeLink, type LinkState } from "../net";
import { hearServerTime, setServerTime } from "./clock";
import type { Line, Model } from "../state/model";
import { addHistory, addOutgoing, apply, fromSnapshot, markRead, settleOutgoing, UNKNOWN_FATE } from "../state/reduce";
import type { CommandBody, OwnStatus, Protocol, Site, Span, WireEvent } from "../wire/types";

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
export const typing = computed(() => model.value?.typing ?? none);
export const outgoing = computed(() => model.value?.outgoing ?? none);
export const roomLists = computed(() => model.value?.roomLists ?? none);
export const ownStatus = computed((): OwnStatus => model.value?.status ?? { status: "available" });
export const settings = computed(() => model.value?.settings ?? {});
export const unreadTotal = computed(() => {
  let sum = 0;
  for (const talk of talks.value.values()) sum += talk.kind === "im" ? talk.unread : talk.mentions;
  return sum;
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
      for (const watcher of watchers) watcher(events);
    });
  },
  state(state) {
    linkState.value = state;
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
  const id = commandId();
  const after = model.value?.talks.get(conversation)?.messages.at(-1)?.id ?? null;
  const base = { command: id, conversation, text, after, time: new Date().toISOString(), state: "pending", error: null } as const;
  update((old) => addOutgoing(old, spans ? { ...base, spans } : base));
  link.outbox.send({ id, type: "message.send", conversation, ...(spans ? { spans } : { text }) }).then(
    // The echo has come before; a slash command has none.
    () => update((old) => settleOutgoing(old, conversation, id, null)),
    (error: unknown) => {
      const known = error instanceof CommandError ? error : new CommandError({ code: "failed", message: String(error) });
      update((old) =>
        settleOutgoing(old, conversation, id, { state: known.unknown || known.code === UNKNOWN_FATE ? "unknown" : "failed", error: { code: known.code, message: known.message } }),
      );
    },
  );
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

/** Takes the question away from a message of unknown fate; it stays marked. */
export function settle(conversation: string, id: string): void {
  const list = [...settledList().filter((one) => one !== settledKey(conversation, id)), settledKey(conversation, id)].slice(-MOST_SETTLED);
  update((old) => ({ ...old, settings: { ...old.settings, settled: list } }));
  tell("settings.set", { values: { settled: list } }, "settled");
}

/** Sends a message of unknown fate once more. */
export function sendAgain(conversation: string, line: Line): void {
  if (isSettled(conversation, line.id)) return;
  settle(conversation, line.id);
  // As it was typed, if that is known; else a slash command was one before, and all else goes out as it stands.
  if (line.typed !== undefined || line.text.startsWith("/")) sendMessage(conversation, line.typed ?? line.text);
  else sendMessage(conversation, line.text, line.spans.filter((span) => !span.image));
}

const loading = new Set<string>();

/** Fetches what came before the oldest message shown. */
export async function loadEarlier(conversation: string): Promise<void> {
  const talk = model.value?.talks.get(conversation);
  if (!talk || !talk.more || loading.has(conversation)) return;
  loading.add(conversation);
  try {
    const answer = await history(conversation, talk.messages[0]?.id);
    update((old) => addHistory(old, conversation, answer.messages, answer.more && answer.messages.length > 0));
  } catch {
    // The next scroll to the top tries again.
  } finally {
    loading.delete(conversation);
  }
}

async function fillGaps(): Promise<void> {
  for (const [id, talk] of model.value?.talks ?? []) {
    let gap = talk.gap;
    try {
      for (let round = 0; gap !== null && round < 20; round++) {
        const answer = await history(id, gap, 200);
        update((old) => addHistory(old, id, answer.messages, answer.more, true));
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
