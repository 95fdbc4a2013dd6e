// Which conversations this screen shows and where; it must not know what is said in them.
import { batch, computed, effect, signal } from "@preact/signals";
import { onAway } from "../net";
import { framesOf, fresh, keep, placed, raise, restored, tiled, type Win, type Wins } from "../state/desk";
import { frameOf, shareOf, type Area, type Frame, type Half } from "../state/geometry";
import { listen, listening } from "./listening";
import { command, model, onAttached, settings, talks, tell } from "./store";
import { lastTime } from "../state/roster";
import type { Buddy } from "../wire/types";

export type { Win };

export type Arrangement = "desk" | "panes" | "stack";

const widthOf = (): Arrangement => (innerWidth >= 1100 ? "desk" : innerWidth >= 700 ? "panes" : "stack");

export const arrangement = signal<Arrangement>(widthOf());
/** The desk without list, top line and dock; measured once it is drawn. */
export const area = signal<Area>({ w: Math.max(320, innerWidth - 328), h: Math.max(300, innerHeight - 128) });
export const wins = signal<Wins>(new Map());
export const active = signal<string | null>(null);
/** In the stack: whether a conversation covers the list. */
export const onTalk = signal(false);
/** Counts up when the active conversation's box should take the focus, or the list when there is none. */
export const focusRequest = signal(0);
/** A text that goes back into the box it came from, until the box has taken it. */
export const putBack = signal<{ conversation: string; text: string } | null>(null);
/** The read mark as it was when a conversation got the focus: below it runs the "new" line. */
export const unreadFrom = signal<ReadonlyMap<string, string | null>>(new Map());

/** Conversations that still exist, in the order of the windows. */
export const shown = computed(() => [...wins.value.values()].filter((win) => talks.value.has(win.id)));
let before: ReadonlyMap<string, Frame> = new Map();
/** Where the windows are that show on the desk. One that stays where it was has the same frame, so that it need not be drawn again. */
export const frames = computed((): ReadonlyMap<string, Frame> => {
  const next = framesOf(shown.value, area.value);
  for (const [id, { x, y, w, h }] of next) {
    const old = before.get(id);
    if (old && old.x === x && old.y === y && old.w === w && old.h === h) next.set(id, old);
  }
  return (before = next);
});

let top = 1;

const kindOf = (id: string): "im" | "room" => talks.value.get(id)?.kind ?? "im";

/** Not in sight: minimised, or a tile for which there is no room. */
export const isHidden = (id: string): boolean => (arrangement.value === "desk" ? !frames.value.has(id) : wins.value.get(id)?.minimised === true);

function put(win: Win): void {
  wins.value = new Map(wins.value).set(win.id, win);
}

function change(id: string, patch: Partial<Win>): void {
  const win = wins.value.get(id);
  if (win) put({ ...win, ...patch });
}

/** Makes the window known; one that is to show is placed where there is a desk. */
function ensure(id: string, minimised: boolean): void {
  if (wins.value.has(id)) return;
  if (arrangement.value === "desk" && !minimised) wins.value = raise(wins.value, id, kindOf(id), ++top, area.value);
  else put(fresh(id, ++top, minimised));
}

function markUnread(id: string): void {
  const talk = talks.value.get(id);
  unreadFrom.value = new Map(unreadFrom.value).set(id, talk && talk.unread > 0 ? (talk.read_upto ?? oldestRead(id)) : null);
}

/** Without a read mark: the message just before the unread ones. */
function oldestRead(id: string): string | null {
  const talk = talks.value.get(id);
  if (!talk) return null;
  const at = talk.messages.length - talk.unread - 1;
  return at >= 0 ? (talk.messages[at]?.id ?? null) : "";
}

/** Brings a conversation to the front and gives it the focus. */
export function show(id: string, focus = true): void {
  batch(() => {
    listen(id, false);
    if (arrangement.value === "desk") wins.value = raise(wins.value, id, kindOf(id), ++top, area.value);
    else {
      ensure(id, false);
      change(id, { minimised: false, z: ++top });
    }
    if (active.value !== id) markUnread(id);
    active.value = id;
    onTalk.value = true;
    if (focus) focusRequest.value++;
  });
  save();
}

/** A conversation that somebody else began: visible unless it is `quiet`, but it takes no focus from what one is writing. */
export function surface(id: string, quiet = false): void {
  if (wins.value.has(id)) return;
  const crowded = frames.value.size >= 3;
  ensure(id, quiet || arrangement.value !== "desk" || crowded);
  markUnread(id);
  save();
}

export function touch(id: string): void {
  // A window that is just closed gets the focus back from the dialog that asked about it.
  if (!wins.value.has(id)) return;
  if (active.value === id && wins.value.get(id)?.z === top) return;
  batch(() => {
    change(id, { z: ++top });
    if (active.value !== id) markUnread(id);
    active.value = id;
  });
  save();
}

function next(): void {
  const rest = shown.value.filter((win) => !isHidden(win.id) && win.id !== active.value).sort((a, b) => b.z - a.z);
  active.value = rest[0]?.id ?? null;
  focusRequest.value++;
}

export function minimise(id: string): void {
  batch(() => {
    change(id, { minimised: true });
    if (active.value === id) next();
  });
  save();
}

/** Whether somebody else sees to a conversation that is about to be closed. */
let takesOver: (id: string) => boolean = () => false;

export function onClose(takes: (id: string) => boolean): void {
  takesOver = takes;
}

/** Closes a conversation, unless that is asked about first. */
export function close(id: string): void {
  if (!takesOver(id)) closeNow(id);
}

export function closeNow(id: string): void {
  listen(id, false);
  hide(id);
  tell("conversation.close", { conversation: id });
}

/** Takes the window away; the conversation goes on. */
export function hide(id: string): void {
  batch(() => {
    const rest = new Map(wins.value);
    rest.delete(id);
    wins.value = rest;
    if (active.value === id) {
      next();
      onTalk.value = false;
    } else {
      focusRequest.value++;
    }
  });
  save();
}

export function snap(id: string, which: Half): void {
  batch(() => {
    show(id, false);
    change(id, { stand: which });
  });
  save();
}

/** From a half, the whole desk or a tile back to its own place. */
export function restore(id: string): void {
  batch(() => {
    change(id, { stand: "normal" });
    wins.value = placed(wins.value, kindOf, area.value);
  });
  save();
}

export function tileAll(): void {
  batch(() => {
    wins.value = tiled(wins.value, area.value);
    if (active.value && isHidden(active.value)) next();
  });
  save();
}

/** Its user has put it there. */
export function setFrame(id: string, frame: Frame): void {
  change(id, { stand: "normal", share: shareOf(frame, area.value) });
  save();
}

/** Where a window comes back to; null for one that has no place of its own yet. */
export function ownFrame(win: Win): Frame | null {
  return win.share && frameOf(win.share, area.value);
}

export function resized(size: Area): void {
  batch(() => {
    area.value = size;
    arrangement.value = widthOf();
    if (arrangement.value !== "desk") return;
    wins.value = placed(wins.value, kindOf, size);
    if (active.value && isHidden(active.value) && !wins.value.get(active.value)?.minimised) active.value = foremost();
  });
}

const foremost = (): string | null => shown.value.filter((win) => frames.value.has(win.id)).sort((a, b) => b.z - a.z)[0]?.id ?? null;

/** Windows that show when tiles are offered, at the least. */
const MANY = 5;
const offerRefused = signal(false);
/** Whether to ask if the windows are to stand side by side: there are many, one over another, and nobody has said no. */
export const tileOffer = computed(() => {
  const open = shown.value.filter((win) => frames.value.has(win.id));
  return open.length >= MANY && !offerRefused.value && open.some((win) => win.stand !== "tile");
});
export function refuseTiles(): void {
  offerRefused.value = true;
}
// Once it is less crowded, the next crowd is another matter.
effect(() => {
  if (frames.value.size < MANY) offerRefused.value = false;
});

/** Opens the conversation with a buddy, or begins one. */
export async function openBuddy(buddy: Pick<Buddy, "account" | "name"> & { id?: string }): Promise<void> {
  for (const talk of talks.value.values()) {
    if (talk.kind === "im" && ((buddy.id && talk.buddy === buddy.id) || (talk.account === buddy.account && talk.name === buddy.name))) return show(talk.id);
  }
  const from = document.activeElement;
  const result = await command<{ conversation: string | { id: string } }>("conversation.open", { account: buddy.account, name: buddy.name });
  showResult(result, from);
}

/** Shows the conversation that a command's result names. `from`: where the focus was when it was given; whoever writes elsewhere by now goes on there. */
export function showResult(result: { conversation?: string | { id: string } } | null, from: Element | null = document.activeElement): void {
  const id = typeof result?.conversation === "string" ? result.conversation : result?.conversation?.id;
  if (!id || !talks.value.has(id)) return;
  const now = document.activeElement;
  if (now instanceof HTMLTextAreaElement && now !== from) surface(id);
  else show(id);
}

export function cycle(step: 1 | -1, unreadOnly = false): void {
  const list = shown.value.filter((win) => !unreadOnly || (talks.value.get(win.id)?.unread ?? 0) > 0);
  if (list.length === 0) return;
  const at = list.findIndex((win) => win.id === active.value);
  const to = list[(at + step + list.length) % list.length];
  if (to) show(to.id);
}

// On a phone the browser's own "back" leads from a conversation to the list, not away.
let pushed = false;
effect(() => {
  if (arrangement.value !== "stack") return;
  if (onTalk.value && !pushed) {
    pushed = true;
    history.pushState(null, "");
  } else if (!onTalk.value && pushed) {
    pushed = false;
    history.back();
  }
});
addEventListener("popstate", () => {
  if (!pushed) return;
  pushed = false;
  onTalk.value = false;
});

// The desk follows the user: kept in the settings, written when things have been still for a while.

/** Milliseconds. */
const STILL = 400;
let timer: ReturnType<typeof setTimeout> | undefined;

function write(): void {
  clearTimeout(timer);
  timer = undefined;
  if (model.value && arrangement.value === "desk") tell("settings.set", { values: { layout: keep(shown.value) } }, "layout");
}

export function save(): void {
  clearTimeout(timer);
  timer = setTimeout(write, STILL);
}

// Whoever leaves has arranged it as it is.
onAway(() => {
  if (timer !== undefined) write();
});

onAttached((first) => {
  if (!first) return;
  const kept = new Map(restored(settings.value["layout"]).filter((win) => talks.value.has(win.id) && !listening.value.has(win.id)).map((win) => [win.id, win]));
  top = Math.max(top, ...[...kept.values()].map((win) => win.z));
  batch(() => {
    offerRefused.value = false;
    wins.value = kept;
    active.value = null;
    onTalk.value = false;
    // Nothing was arranged before: the three that were last spoken in stand open.
    const recent = [...talks.value.values()].filter((talk) => !kept.has(talk.id) && !listening.value.has(talk.id)).sort((a, b) => lastTime(b) - lastTime(a));
    recent.forEach((talk, at) => ensure(talk.id, kept.size > 0 || at >= 3 || arrangement.value !== "desk"));
    for (const id of talks.value.keys()) markUnread(id);
    if (arrangement.value === "panes") active.value = shown.value[0]?.id ?? null;
  });
});
