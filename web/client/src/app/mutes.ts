// What is quiet now, as signals, and how it becomes so; it must not draw.
import { computed, effect, signal } from "@preact/signals";
import { holding, muteKey, mutesOf, nextEnd, type Mutes } from "../state/mutes";
import type { Talk } from "../state/model";
import { serverNow } from "./clock";
import { command, settings, talks, tell, user } from "./store";

/** The longest time that a browser's timer takes; milliseconds. */
const LONGEST = 2_000_000_000;

const all = computed(() => mutesOf(settings.value));
/** Counts up when a mute has ended by itself. */
const ended = signal(0);

/** Conversations and accounts that are quiet, and until when. */
export const muted = computed((): Mutes => {
  void ended.value;
  return holding(all.value, serverNow());
});

export const isMuted = (talk: Pick<Talk, "id" | "account">): boolean => muted.value.has(talk.id) || muted.value.has(talk.account);

let timer: ReturnType<typeof setTimeout> | undefined;
effect(() => {
  clearTimeout(timer);
  if (user.value === null) return;
  void ended.value;
  const now = serverNow();
  // What has ended is of no use to anybody.
  const over = [...all.value].filter(([, until]) => until !== null && until <= now);
  if (over.length > 0) tell("settings.set", { values: Object.fromEntries(over.map(([id]) => [muteKey(id), null])) }, "mutes over");
  const end = nextEnd(all.value, now);
  if (end !== null) timer = setTimeout(() => { ended.value++; }, Math.min(end - now + 50, LONGEST));
});

/** `until`: milliseconds by the server's clock; null: until its user says otherwise. */
export const mute = (id: string, until: number | null): Promise<unknown> => command("settings.set", { values: { [muteKey(id)]: { until } } }, muteKey(id));

export const unmute = (id: string): Promise<unknown> => command("settings.set", { values: { [muteKey(id)]: null } }, muteKey(id));

/** What is new in a conversation that is worth a number where one does not look for it. */
export const newsOf = (talk: Talk): number => (isMuted(talk) ? 0 : talk.kind === "im" ? talk.unread : talk.mentions);

/** The same of all conversations. */
export const unreadTotal = computed(() => {
  let sum = 0;
  for (const talk of talks.value.values()) sum += newsOf(talk);
  return sum;
});
