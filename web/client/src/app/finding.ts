// Looking for rooms: asks the daemon as one types and whenever it knows more, and joins; it must not draw.
import { signal } from "@preact/signals";
import { CallError, discover } from "../net";
import { merged } from "../state/found";
import type { Discovered, DiscoveredRoom } from "../wire/types";
import { accounts, command, onAttached, onEvents } from "./store";

/** Time without a key press before the daemon is asked, and time between two answers about the same words; milliseconds. */
const TYPED = 200;
const AGAIN = 250;

/** Counts up when the daemon may know more. */
const news = signal(0);
onEvents((events) => {
  if (events.some((event) => event.type === "discover.changed" || event.type === "account.state")) news.value++;
});
onAttached(() => void news.value++);

/** A search for rooms: the words in the box, and the answer so far. */
export class Finding {
  readonly text = signal("");
  readonly rooms = signal<readonly DiscoveredRoom[]>([]);
  /** The words that the answer is about; null before the first. */
  readonly about = signal<string | null>(null);
  readonly answer = signal<Omit<Discovered, "rooms"> | null>(null);
  readonly error = signal<unknown>(null);
  readonly busy = signal(false);
  /** Whether the user points at the rows, or has chosen one. */
  held: () => boolean = () => false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running: AbortController | null = null;
  private readonly stop: () => void;

  constructor() {
    this.stop = news.subscribe(() => this.again());
  }

  end(): void {
    this.stop();
    clearTimeout(this.timer);
    this.running?.abort();
  }

  type(text: string): void {
    this.text.value = text;
    if (text.trim() === "") {
      clearTimeout(this.timer);
      this.running?.abort();
      [this.rooms.value, this.about.value, this.answer.value, this.error.value, this.busy.value] = [[], null, null, null, false];
      return;
    }
    this.busy.value = true;
    this.after(TYPED);
  }

  /** Once more about the same words. */
  private again(): void {
    // An answer that is on its way may have left before the news: it is asked once more when that is there.
    if (this.text.peek().trim() !== "" && !this.busy.peek()) this.after(AGAIN);
    else this.stale = true;
  }

  private stale = false;

  private after(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), ms);
  }

  private async ask(): Promise<void> {
    const words = this.text.peek().trim();
    this.running?.abort();
    const mine = (this.running = new AbortController());
    this.stale = false;
    try {
      const { rooms, ...rest } = await discover(words, mine.signal);
      if (this.running !== mine) return;
      this.rooms.value = merged(this.rooms.peek(), rooms, this.about.peek() === words && this.held());
      [this.about.value, this.answer.value, this.error.value, this.busy.value] = [words, rest, null, false];
      if (this.stale) this.after(AGAIN);
    } catch (cause) {
      if (this.running !== mine || (cause instanceof CallError && cause.code === "aborted")) return;
      [this.error.value, this.busy.value] = [cause, false];
      // Too many at once: it takes a moment.
      if (cause instanceof CallError && cause.retryMs !== null) this.after(cause.retryMs);
    }
  }
}

/** Joins a room that was found, by its bookmark where it has one: that knows the password. */
export const enter = (room: DiscoveredRoom): Promise<{ conversation: string }> =>
  command<{ conversation: string }>("room.join", room.bookmark ? { bookmark: room.bookmark } : { account: room.account, fields: room.fields });

/** Accounts that are signed on and whose network has rooms. */
export const able = (): boolean => [...accounts.value.values()].some((one) => one.state === "online" && one.features.includes("rooms"));
