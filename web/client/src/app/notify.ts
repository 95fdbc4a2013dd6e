// Desktop notifications: whether the browser lets the page show them, asking it, and showing them; it must not decide what calls for one.
import { computed, signal } from "@preact/signals";
import { noteOf, type Call } from "../state/alerts";
import { w } from "../words";
import { choose, prefs } from "./prefs";
import { onEvents, talks } from "./store";
import { show } from "./windows";

/** `none`: this browser has none for this page, as it does without TLS. */
type Permission = "granted" | "denied" | "default" | "none";

const read = (): Permission => (typeof Notification === "function" && isSecureContext ? Notification.permission : "none");

export const permission = signal<Permission>(read());
/** Something came that would have been shown, if the browser had been asked. */
export const missed = signal(false);

/** A question for this browser's user: whether they want to be told. It is put once something was missed, and no more once it was answered. */
export const offered = computed(() => missed.value && permission.value === "default" && !declined.value);

const DECLINED = "bellflower.notify_declined";
const declined = signal(readDeclined());

function readDeclined(): boolean {
  try {
    return localStorage.getItem(DECLINED) !== null;
  } catch {
    return false;
  }
}

export function decline(): void {
  declined.value = true;
  try {
    localStorage.setItem(DECLINED, "1");
  } catch {
    // Storage is switched off: it is asked again on the next visit.
  }
}

/** Asks the browser, which asks its user: only when they have just said that they want it. */
export async function turnOn(): Promise<void> {
  if (read() === "default") await Notification.requestPermission().catch(() => undefined);
  permission.value = read();
  if (permission.value === "granted") choose("notify", true);
}

/** What is shown, and what each is about. */
const open = new Map<string, { note: Notification; calls: Call[] }>();
const keyOf = (call: Call): string => call.conversation ?? "questions";

function close(key: string): void {
  open.get(key)?.note.close();
  open.delete(key);
}

/** Shows what called; one notification a conversation. */
export function notify(calls: readonly Call[]): void {
  permission.value = read();
  if (permission.value !== "granted") return;
  for (const key of new Set(calls.map(keyOf))) {
    const all = [...(open.get(key)?.calls ?? []), ...calls.filter((call) => keyOf(call) === key)];
    const said = noteOf(all, prefs.notify_show.value, w.notes);
    if (!said) continue;
    try {
      // The page sounds itself, as its user chose.
      const note = new Notification(said.title, { body: said.body, tag: `bellflower ${key}`, silent: true, icon: document.querySelector<HTMLLinkElement>("link[rel=icon]")?.href ?? "" });
      note.onclick = () => {
        window.focus();
        note.close();
        if (talks.peek().has(key)) show(key);
      };
      note.onclose = () => {
        if (open.get(key)?.note === note) open.delete(key);
      };
      open.set(key, { note, calls: all });
    } catch {
      // Phones show them for installed pages alone.
      permission.value = "none";
    }
  }
}

// What was read elsewhere needs no notification any more.
onEvents((events) => {
  for (const event of events) {
    const id = event["conversation"];
    if (event.type === "conversation.read" && typeof id === "string" && event["unread"] === 0) close(id);
    if (event.type === "request.closed" || event.type === "authorization.closed") close("questions");
  }
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") for (const key of [...open.keys()]) close(key);
});
