// Leads to a message wherever it stands: opens its conversation, fetches what is around it, and says where to look; it must not draw.
import { effect, signal } from "@preact/signals";
import { history } from "../net";
import { changeTalk } from "../state/own";
import { around, isWhole } from "../state/past";
import { model, talks, update } from "./store";
import { active, arrangement, onTalk, show } from "./windows";

/** A message that its log is to show in its middle; `focus`: the keyboard goes there, too. */
export interface Target { conversation: string; message: string; focus: boolean }

export const target = signal<Target | null>(null);

/**
 * The conversation in which one searches, while its bar is open; `asked` counts up when its box is to take the focus. `words` are those in the box
 * and `hit` is the message one is at, for a bar that is drawn anew in another arrangement.
 */
export const searching = signal<{ conversation: string; asked: number; words: string; hit: string | null } | null>(null);

/** Opens the bar of a conversation, or goes back to it. */
export function findIn(conversation: string): void {
  const { value } = searching;
  const same = value?.conversation === conversation;
  searching.value = { conversation, asked: (value?.asked ?? 0) + 1, words: same ? value.words : "", hit: same ? value.hit : null };
}

/** Messages around the one that is sought. */
const AROUND = 60;

/** Counts the jumps: one that is overtaken goes nowhere. */
let turn = 0;
/** A jump that is still fetching leads nowhere any more. */
export const dropJump = (): void => void turn++;

// The bar goes when its conversation is out of sight.
effect(() => {
  const id = searching.value?.conversation;
  if (id === undefined) return;
  const beside = arrangement.value !== "desk" && active.value !== id;
  if (!talks.value.has(id) || beside || (arrangement.value === "stack" && !onTalk.value)) searching.value = null;
});

/**
 * Shows a message of a conversation that is open. Throws CallError.
 * @returns whether the message is there.
 */
export async function jumpTo(conversation: string, message: string, focus = true): Promise<boolean> {
  const mine = ++turn;
  const from = document.activeElement;
  const talk = model.value?.talks.get(conversation);
  if (!talk) return false;
  const here = (list: readonly { id: string }[] | undefined): boolean => list?.some((one) => one.id === message) === true;
  if (here(talk.messages)) {
    update((old) => changeTalk(old, conversation, (now) => (now.past ? { ...now, past: null } : now)));
  } else if (!here(talk.past?.messages)) {
    const answer = await history(conversation, { around: message }, AROUND).catch((error: unknown) => {
      if (mine === turn) throw error;
      return null;
    });
    if (answer === null || mine !== turn) return true;
    if (!here(answer.messages) || !talks.value.has(conversation)) return false;
    update((old) => changeTalk(old, conversation, (now, user) => around(now, answer, isWhole(user, now))));
  }
  const now = document.activeElement;
  // The keyboard stays with a user who writes elsewhere by now.
  target.value = { conversation, message, focus: focus && !(now instanceof HTMLTextAreaElement && now !== from) };
  show(conversation, false);
  return true;
}
