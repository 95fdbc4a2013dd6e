// Keeps a user's messages on their way over a reload, in this browser, and takes them up again; it must not send one twice.
import { effect } from "@preact/signals";
import { isShown, readWaiting, writeWaiting } from "../state/waiting";
import { openTabs } from "../net";
import type { Outgoing } from "../state/model";
import { dispatch, link, model, onAttached, onEvents, outgoing, user } from "./store";

const PREFIX = "bellflower.waiting.";
const keyOf = (userId: string, client: string): string => `${PREFIX}${userId}.${client}`;

/** What this page has taken up of those that are gone; before that, nothing is written over it. */
let ready = "";

function write(userId: string): void {
  const list = [...outgoing.value.values()].flat();
  try {
    const key = keyOf(userId, link.id);
    if (list.length === 0) localStorage.removeItem(key);
    else localStorage.setItem(key, writeWaiting({ client: link.id, list }));
  } catch {
    // Without storage they last as long as the page.
  }
}

effect(() => {
  void outgoing.value;
  const one = user.value;
  // The session has ended: the next one takes up first what this one leaves.
  if (!one) ready = "";
  else if (!one.guest && ready === one.id) write(one.id);
});

function keysOf(userId: string): string[] {
  try {
    return Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}${userId}.`));
  } catch {
    return [];
  }
}

function take(userId: string, key: string): Outgoing[] {
  try {
    const waiting = readWaiting(localStorage.getItem(key));
    localStorage.removeItem(key);
    if (user.value?.id === userId) return waiting?.list ?? [];
  } catch {
    // There is no storage.
  }
  return [];
}

const FORGOTTEN = { code: "unknown_fate", message: "" };
const CLOSED = { code: "no_such_conversation", message: "" };

function again(out: Outgoing): void {
  const talk = model.value?.talks.get(out.conversation);
  if (!talk) dispatch({ ...out, state: "failed", error: CLOSED });
  else if (!isShown(out, talk.messages)) dispatch(out);
}

/** What tabs left behind that were closed. Nobody can ask what became of that which had left them. */
async function inherit(userId: string): Promise<void> {
  const open = await openTabs();
  if (!open || user.value?.id !== userId) return;
  for (const key of keysOf(userId)) {
    if (open.has(key.slice(keyOf(userId, "").length)) || key === keyOf(userId, link.id)) continue;
    for (const out of take(userId, key)) again(out.tried && out.state === "pending" ? { ...out, state: "unknown", error: FORGOTTEN } : out);
  }
}

// Before the outbox hears what became of the commands of before.
onAttached((first) => {
  const one = user.value;
  if (!one || one.guest || (!first && ready === one.id)) return;
  const own = first ? take(one.id, keyOf(one.id, link.id)) : [];
  ready = one.id;
  own.forEach(again);
  write(one.id);
  void inherit(one.id);
});

// A guest has become a user: what is on its way is kept from now on.
onEvents((events) => {
  const one = user.value;
  if (!one || one.guest || !events.some((event) => event.type === "user")) return;
  ready = one.id;
  write(one.id);
});

/** Signed out here: nothing of it is left in this browser. */
export function forgetWaiting(userId: string): void {
  ready = "";
  for (const key of keysOf(userId)) localStorage.removeItem(key);
}
