// Calls for attention, and reports of it to the daemon: sounds, notifications, announcements, focus, idleness, read marks.
import { effect, signal } from "@preact/signals";
import { isQuestion, isQuiet, louder, notes, occasionOf, sounds, type Call } from "../state/alerts";
import { choiceIn, type Occasion } from "../state/choices";
import { listening } from "./listening";
import { isMuted, muted } from "./mutes";
import { missed, notify, permission } from "./notify";
import { surprises, titleOf } from "./prompts";
import { audible, play } from "./sound";
import { link, model, onEvents, ownStatus, readUpTo, settings, talks, tell } from "./store";
import { active, arrangement, isHidden, onTalk, surface } from "./windows";
import type { Message, WireEvent } from "../wire/types";
import { w } from "../words";
import "./badge";

/** What a screen reader is told, politely. */
export const announcement = signal("");
export const visible = signal(document.visibilityState === "visible");
export const focused = signal(document.hasFocus());
/** The log of the active conversation shows its end. */
export const atEnd = signal(true);

/** Whether the reader looks at this conversation right now. */
export function watching(id: string): boolean {
  return visible.value && focused.value && active.value === id && (arrangement.value !== "stack" || onTalk.value) && !isHidden(id);
}

/** Sounds and shows what called, unless that is for another tab: for the one in front, if one is. `loud`: the sound that is called for. */
async function alarm(calls: readonly Call[], loud: Occasion | null, upto: number): Promise<void> {
  const front = visible.value && focused.value;
  // A tab that can do neither leaves it to others.
  if (front || (loud !== null && audible())) {
    void link.sounds(front, upto).then((own) => own && loud !== null && play(loud));
  }
  const told = calls.filter((call) => notes(settings.peek(), call.occasion));
  if (!front && permission.value === "default" && calls.some((call) => choiceIn(settings.peek(), `notify_${call.occasion}`))) missed.value = true;
  // In front of its user the page itself shows what is new.
  if (front || (told.length > 0 && permission.value === "granted")) {
    if ((await link.sounds(front, upto, "note")) && !front) notify(told);
  }
}

function said(event: WireEvent): Call | null {
  const message = event["message"] as Message;
  const id = event["conversation"] as string;
  const talk = talks.value.get(id);
  if (!talk || message.from?.self) return null;
  const quiet = isMuted(talk);
  // A room whose window was closed comes back when it calls.
  if (!listening.value.has(id) || message.highlight) surface(id, quiet);
  // A reader who looks at it hears of it all the same.
  if (quiet && !watching(id)) return null;
  const who = message.from?.alias || message.from?.name || talk.title;
  if (talk.kind === "im" || message.highlight) announcement.value = w.said(who, message.text);
  const occasion = quiet ? null : occasionOf(talk, message);
  return occasion && { occasion, conversation: id, who: talk.kind === "im" ? who : w.notes.inRoom(who, talk.title), text: message.text };
}

/** The call of an event, if any. */
function callOf(event: WireEvent): Call | null {
  if (event.type === "message.received") return said(event);
  if (event.type === "attention") {
    const id = event["conversation"] as string;
    const talk = talks.value.get(id);
    if (talk && isMuted(talk)) return null;
    // In a room the title is the room's.
    const who = talk?.kind === "im" ? talk.title : String(event["who"] ?? talk?.title ?? "");
    announcement.value = w.attention(who);
    return { occasion: "mention", conversation: id, who, text: w.attention(who) };
  }
  const { account } = (event["request"] ?? event["authorization"] ?? {}) as { account?: string };
  if (account && muted.value.has(account)) return null;
  return isQuestion(event) ? { occasion: "question", conversation: null, who: "", text: "" } : null;
}

onEvents((events) => {
  const calls: Call[] = [];
  let wanted = false;
  for (const event of events) {
    const call = callOf(event);
    if (event.type === "conversation.opened" && event.origin?.client !== link.id) {
      const id = (event["conversation"] as { id?: string }).id;
      if (id && talks.value.get(id)?.kind === "room" && !listening.value.has(id)) surface(id);
    }
    if (!call) continue;
    wanted ||= sounds(settings.peek(), call.occasion) || notes(settings.peek(), call.occasion) || call.occasion !== "room";
    if (call.conversation === null || !watching(call.conversation)) calls.push(call);
  }
  const last = events.at(-1);
  if (!last || !wanted || isQuiet(settings.peek(), ownStatus.peek().status)) return;
  let loud: Occasion | null = null;
  for (const { occasion } of calls) if (sounds(settings.peek(), occasion)) loud = louder(loud, occasion);
  void alarm(calls, loud, last.seq);
});

// Whoever signs in next in this tab hears nothing of what was said before.
effect(() => {
  if (model.value === null) announcement.value = "";
});

// What asks for an answer beside one's work takes no focus: it is said, and how to get there.
effect(() => {
  const last = surprises.value.at(-1);
  if (last) announcement.value = w.request.announced(titleOf(last));
});

// Reading is: this page is in front, the conversation has the focus, and its end is in sight.
effect(() => {
  const id = active.value;
  if (!id || !visible.value || !focused.value || !atEnd.value) return;
  if (arrangement.value === "stack" && !onTalk.value) return;
  const talk = talks.value.get(id);
  const last = talk?.messages.at(-1);
  if (talk && last && (talk.unread > 0 || talk.mentions > 0) && !isHidden(id)) queueMicrotask(() => readUpTo(id, last.id));
});

// Tell the daemon what this tab is doing, when that changes.

const IDLE_AFTER = 300_000;
let lastInput = Date.now();
let idle = false;
let told = "";
let timer: ReturnType<typeof setTimeout> | undefined;

function report(): void {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (!model.value) return;
    const state = {
      hidden: !visible.value,
      focused: visible.value && focused.value ? (active.value ?? undefined) : undefined,
      idle_seconds: idle ? Math.round((Date.now() - lastInput) / 1000) : 0,
    };
    const text = JSON.stringify([state.hidden, state.focused, idle ? Math.floor(state.idle_seconds / 300) : 0]);
    if (text === told) return;
    told = text;
    tell("client.state", state, "client.state");
  }, 250);
}

function looked(): void {
  visible.value = document.visibilityState === "visible";
  focused.value = document.hasFocus();
  report();
}

function stirred(): void {
  lastInput = Date.now();
  if (idle) {
    idle = false;
    report();
  }
}

export function startAttention(): void {
  document.addEventListener("visibilitychange", looked);
  addEventListener("focus", looked);
  addEventListener("blur", looked);
  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) addEventListener(kind, stirred, { passive: true, capture: true });
  setInterval(() => {
    const now = Date.now() - lastInput >= IDLE_AFTER;
    if (now) {
      idle = true;
      report();
    }
  }, 30_000);
  effect(() => {
    void active.value;
    if (model.value === null) told = "";
    else report();
  });
}
