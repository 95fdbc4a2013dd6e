// What was said elsewhere while one conversation covers the screen; it must not draw.
import { effect, signal } from "@preact/signals";
import type { Message } from "../wire/types";
import { onEvents, talks } from "./store";
import { active, arrangement, onTalk } from "./windows";

export interface Peek { conversation: string; who: string; text: string }

/** So long it shows; milliseconds. */
const SHOWN = 7000;

export const peek = signal<Peek | null>(null);
let timer: ReturnType<typeof setTimeout> | undefined;

function show(next: Peek | null): void {
  clearTimeout(timer);
  peek.value = next;
  if (next) timer = setTimeout(() => (peek.value = null), SHOWN);
}

onEvents((events) => {
  if (arrangement.value !== "stack" || !onTalk.value) return;
  for (const event of events) {
    if (event.type !== "message.received") continue;
    const message = event["message"] as Message;
    const id = event["conversation"] as string;
    const talk = talks.value.get(id);
    if (!talk || id === active.value || message.from?.self || message.delayed || (talk.kind === "room" && !message.highlight)) continue;
    show({ conversation: id, who: talk.title, text: message.text });
  }
});

// It was opened by other ways, or one is back where everything shows.
effect(() => {
  const now = peek.value;
  if (now && (!onTalk.value || arrangement.value !== "stack" || now.conversation === active.value || !talks.value.has(now.conversation))) show(null);
});
