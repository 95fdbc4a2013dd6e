// What the tabs of a browser tell each other, and in which order one takes what it hears; pure. It must not know who speaks.
import type { WireEvent } from "../wire/types";

/** What an answer of the daemon brought: all that there is after `from`, up to `to`. Without events it is a sign of life. */
export interface News {
  kind: "news";
  from: number;
  to: number;
  events: WireEvent[];
}

export type Trouble = { kind: "catching-up" } | { kind: "offline"; since: number };

/** What one tab does for all. */
export type Alert = "sound" | "note";

export type Word =
  | News
  | { kind: "state"; state: Trouble }
  /** The session has ended. */
  | { kind: "over"; code: string }
  /** Whoever waits before it tries again need not. */
  | { kind: "nudge" }
  /** Somebody has sounded for everything up to here, or shown it. */
  | { kind: "heeded"; seq: number; what: Alert };

/** A word, about the log of a user's session. */
export type Told = Word & { user: string; epoch: string };

/** A tab that is busy for longer than these last loses the oldest, and finds out that it missed something. */
const KEPT = 64;

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const isSeq = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function areEvents(value: unknown, from: number, to: number): value is WireEvent[] {
  if (!Array.isArray(value)) return false;
  let last = from;
  for (const event of value as unknown[]) {
    if (!isObject(event) || typeof event["type"] !== "string" || !isSeq(event["seq"]) || event["seq"] <= last) return false;
    last = event["seq"];
  }
  return last <= to;
}

function isTrouble(state: unknown): state is Trouble {
  return isObject(state) && (state["kind"] === "catching-up" || (state["kind"] === "offline" && typeof state["since"] === "number"));
}

/** A message, if it is one of these. Another version of the page may be open in another tab. */
export function readTold(message: unknown): Told | null {
  if (!isObject(message) || typeof message["user"] !== "string" || typeof message["epoch"] !== "string") return null;
  const { kind, from, to, events, state, code, seq, what } = message;
  const fits =
    (kind === "news" && isSeq(from) && isSeq(to) && from <= to && areEvents(events, from, to)) ||
    (kind === "state" && isTrouble(state)) ||
    (kind === "over" && typeof code === "string") ||
    kind === "nudge" ||
    (kind === "heeded" && isSeq(seq) && (what === "sound" || what === "note"));
  return fits ? (message as unknown as Told) : null;
}

type Heard = News & { user: string; epoch: string };

/** What to do next: take events, attach again, or ask the daemon what was missed. */
export type Step = { events: WireEvent[] } | "attach" | "ask";

/** Keeps what is heard until it is taken. */
export class Ear {
  private kept: Heard[] = [];
  private user: string | null = null;
  private epoch: string | null = null;
  /** Logs that are over. Who speaks may not know yet. */
  private readonly over = new Set<string>();
  /** The log for whose sake the tab attaches. */
  private other: string | null = null;

  /** What was heard of other logs meanwhile is of no use. */
  attached(user: string, epoch: string): void {
    for (const old of [this.epoch, this.other]) if (old !== null) this.over.add(old);
    this.over.delete(epoch);
    this.other = null;
    this.user = user;
    this.epoch = epoch;
    this.kept = this.kept.filter((one) => one.user === user && one.epoch === epoch);
  }

  /** Before the first attach everything may be of use. True when it may be. */
  hear(news: Heard): boolean {
    if ((this.user !== null && news.user !== this.user) || this.over.has(news.epoch)) return false;
    this.kept.push(news);
    if (this.kept.length > KEPT) this.kept.shift();
    return true;
  }

  /** What comes after event `after`, if something was heard. */
  next(after: number): Step | null {
    const strange = this.kept.find((one) => one.epoch !== this.epoch);
    if (strange) {
      this.other = strange.epoch;
      return "attach";
    }
    const at = this.kept.findIndex((one) => one.from <= after);
    if (at < 0) return this.kept.length > 0 ? "ask" : null;
    // What was heard before it and is beyond it comes again: whoever says this says all that follows it.
    const [news] = this.kept.splice(0, at + 1).slice(-1);
    return news ? { events: news.events } : null;
  }

  /** Until the next attach nothing is taken. */
  clear(): void {
    this.kept = [];
    this.user = null;
  }
}
