// What asks for attention and what the daemon is told of it: title, sound, announcements, focus, idleness, read marks.
import { effect, signal } from "@preact/signals";
import { isMuted, muted, unreadTotal } from "./mutes";
import { sound } from "./prefs";
import { surprises, titleOf } from "./prompts";
import { link, model, onEvents, readUpTo, talks, tell } from "./store";
import { active, arrangement, isHidden, onTalk, surface } from "./windows";
import type { Message } from "../wire/types";
import { w } from "../words";

/** What a screen reader is told, politely. */
export const announcement = signal("");
export const visible = signal(document.visibilityState === "visible");
export const focused = signal(document.hasFocus());
/** The log of the active conversation shows its end. */
export const atEnd = signal(true);

effect(() => {
  const n = model.value ? unreadTotal.value : 0;
  document.title = n > 0 ? `(${n}) ${w.app}` : w.app;
});

let audio: AudioContext | null = null;
// Browsers let a page sound only after a gesture: make the context then.
addEventListener("pointerdown", () => { audio ??= typeof AudioContext === "function" ? new AudioContext() : null; }, { once: true });

function tone(steps: readonly number[]): void {
  if (!sound.value || !audio || audio.state === "closed") return;
  void audio.resume();
  const start = audio.currentTime;
  steps.forEach((hertz, at) => {
    if (!audio) return;
    const voice = audio.createOscillator();
    const loudness = audio.createGain();
    const from = start + at * 0.11;
    voice.type = "sine";
    voice.frequency.value = hertz;
    loudness.gain.setValueAtTime(0, from);
    loudness.gain.linearRampToValueAtTime(0.11, from + 0.015);
    loudness.gain.exponentialRampToValueAtTime(0.0006, from + 0.42);
    voice.connect(loudness).connect(audio.destination);
    voice.start(from);
    voice.stop(from + 0.45);
  });
}

/** Whether the reader looks at this conversation right now. */
export function watching(id: string): boolean {
  return visible.value && focused.value && active.value === id && (arrangement.value !== "stack" || onTalk.value) && !isHidden(id);
}

/** Sounds (null: what came is watched and needs none), unless that is for another tab; it is for the one in front, if one is. */
async function ring(kind: "message" | "mention" | null, upto: number): Promise<void> {
  const front = visible.value && focused.value;
  if (!sound.value || (kind === null ? !front : !audio)) return;
  if ((await link.sounds(front, upto)) && kind !== null) tone(kind === "mention" ? [880, 1174.7, 1318.5] : [784, 1046.5]);
}

onEvents((events) => {
  let kind: "message" | "mention" | null = null;
  let loud = false;
  for (const event of events) {
    if (event.type === "message.received") {
      const message = event["message"] as Message;
      const id = event["conversation"] as string;
      const talk = talks.value.get(id);
      if (!talk || message.from?.self) continue;
      const quiet = isMuted(talk);
      surface(id, quiet);
      // Who looks at it hears of it all the same.
      if (quiet && !watching(id)) continue;
      const who = message.from?.alias || message.from?.name || talk.title;
      if (talk.kind === "im" || message.highlight) announcement.value = w.said(who, message.text);
      if (message.delayed || quiet) continue;
      loud ||= talk.kind === "im" || message.highlight === true;
      if (!watching(id)) {
        if (message.highlight) kind = "mention";
        else if (talk.kind === "im") kind ??= "message";
      }
    } else if (event.type === "conversation.opened" && event.origin?.client !== link.id) {
      const id = (event["conversation"] as { id?: string }).id;
      if (id && talks.value.get(id)?.kind === "room") surface(id);
    } else if (event.type === "attention") {
      const talk = talks.value.get(event["conversation"] as string);
      if (talk && isMuted(talk)) continue;
      announcement.value = w.attention(talk?.title ?? String(event["who"] ?? ""));
      kind = "mention";
    } else if (event.type === "request.opened" || event.type === "authorization.opened") {
      const { account } = (event["request"] ?? event["authorization"] ?? {}) as { account?: string };
      if (!account || !muted.value.has(account)) kind ??= "mention";
    }
  }
  const last = events.at(-1);
  if (last && (loud || kind !== null)) void ring(kind, last.seq);
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
