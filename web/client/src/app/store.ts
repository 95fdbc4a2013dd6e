// The signed-in state as signals, and the commands that change it; it must not draw.
import { batch, computed, signal } from "@preact/signals";
import { commandId, CommandError, history, makeLink, type LinkState } from "../net";
import type { Model } from "../state/model";
import { addHistory, addOutgoing, apply, fromSnapshot, markRead, settleOutgoing } from "../state/reduce";
import type { CommandBody, OwnStatus, Protocol, Site, WireEvent } from "../wire/types";

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

/** Gives a command; resolves with its result, throws CommandError. `subject`: a newer one replaces an unsent older one. */
export function command<T = unknown>(type: CommandBody["type"], fields: Record<string, unknown> = {}, subject: string | null = null): Promise<T> {
  return link.outbox.send({ ...fields, id: commandId(), type }, subject) as Promise<T>;
}

/** A command whose failure is of no interest to anybody. */
export function tell(type: CommandBody["type"], fields: Record<string, unknown> = {}, subject: string | null = null): void {
  command(type, fields, subject).catch(() => undefined);
}

/** Sends text; the echo shows at once as pending. */
export function sendMessage(conversation: string, text: string): void {
  const id = commandId();
  update((old) => addOutgoing(old, { command: id, conversation, text, time: new Date().toISOString(), state: "pending", error: null }));
  link.outbox.send({ id, type: "message.send", conversation, text }).then(
    // The echo has come before; a slash command has none.
    () => update((old) => settleOutgoing(old, conversation, id, null)),
    (error: unknown) => {
      const known = error instanceof CommandError ? error : new CommandError({ code: "failed", message: String(error) });
      update((old) =>
        settleOutgoing(old, conversation, id, { state: known.unknown ? "unknown" : "failed", error: { code: known.code, message: known.message } }),
      );
    },
  );
}

export function discardOutgoing(conversation: string, id: string): void {
  update((old) => settleOutgoing(old, conversation, id, null));
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
