// The busy half of a link: finds out whether streams get through, follows one when that pays, and has it acknowledged; it must not know
// attach, resets or recovery.
import type { StreamEnd, WireEvent } from "../wire/types";
import { Pace, Receipts } from "./pace";
import { parts, type Reader, StreamError, type StreamWorld, unbuffered } from "./stream";

/** What was processed: acknowledges everything up to it. */
export interface Cursor {
  epoch: string;
  after: number;
}

export interface Query extends Cursor {
  client: string;
  n: number;
}

export interface StreamsWorld {
  /** Whether this browser can read a body as it comes. */
  readonly streams: boolean;
  stream(query: Query, signal: AbortSignal): Promise<Reader>;
  probe(signal: AbortSignal): Promise<Reader>;
  /** Milliseconds by a clock that nobody sets. */
  clock(): number;
  later(ms: number, run: () => void): () => void;
}

/** Whoever follows a stream. */
export interface Follower {
  /** Whether it is still to be followed. */
  current(): boolean;
  take(events: WireEvent[]): void;
  /** Sends a POST without commands; one that fails is left to the next. */
  acknowledge(): Promise<void>;
}

export class Streams {
  private readonly pace = new Pace();
  private probing: AbortController | null = null;
  /** Of the stream that runs, from its first heartbeat on. */
  private receipts: Receipts | null = null;
  private readonly world: StreamsWorld;

  constructor(world: StreamsWorld) {
    this.world = world;
  }

  /** Whether the next question is one for a stream. The first time that it would be, it is found out whether streams get through. */
  wanted(): boolean {
    if (!this.world.streams) return false;
    const way = this.pace.choose(this.world.clock());
    if (way === "probe" && !this.probing) void this.probe();
    return way === "stream";
  }

  /** A poll was answered, with so many events. */
  polled(events: number): void {
    this.pace.polled(events, this.world.clock());
  }

  /** A POST of commands leaves: whether it has to carry the cursor. */
  posting(): boolean {
    this.receipts?.sent(this.world.clock());
    return this.receipts !== null;
  }

  halt(): void {
    this.probing?.abort();
    this.probing = null;
    this.receipts = null;
  }

  /**
   * Follows a stream to its end, or until the session is quiet. Null: nothing was said about why; a poll tells.
   * What it gives has been taken. Throws CallError when the session is over (401), and what `take` throws. `control` ends it.
   */
  async follow(query: Query, hold: number, heartbeat: number, control: AbortController, by: Follower): Promise<StreamEnd | null> {
    const clock = () => this.world.clock();
    const world = this.reading((signal) => this.world.stream(query, signal));
    const receipts = new Receipts(hold);
    let brought = false;
    this.pace.streamBegins();
    try {
      for await (const part of parts(world, heartbeat, control)) {
        if (!by.current()) return null;
        if (part.heartbeat) this.receipts = receipts;
        receipts.came(part.events.length, part.bytes);
        this.pace.streamed(part.events.length, clock());
        brought ||= part.events.length > 0;
        by.take(part.events);
        if (part.end || part.reset) {
          this.pace.streamEnded();
          return part;
        }
        if (part.heartbeat && this.pace.quiet(clock())) {
          this.pace.streamEnded();
          return null;
        }
        if (this.receipts && receipts.due(part.heartbeat, clock())) void this.pay(receipts, by);
      }
    } catch (cause) {
      if (!(cause instanceof StreamError)) throw cause;
      if (by.current()) this.pace.streamBroke(cause.hopeless, brought, clock());
    } finally {
      if (this.receipts === receipts) this.receipts = null;
    }
    return null;
  }

  private async pay(receipts: Receipts, by: Follower): Promise<void> {
    receipts.sending = true;
    await by.acknowledge();
    receipts.sending = false;
  }

  private async probe(): Promise<void> {
    const control = new AbortController();
    this.probing = control;
    const passes = await unbuffered(this.reading((signal) => this.world.probe(signal)), control);
    if (this.probing !== control) return;
    this.probing = null;
    this.pace.probed(passes, this.world.clock());
  }

  private reading(open: StreamWorld["open"]): StreamWorld {
    return { open, clock: () => this.world.clock(), later: (ms, run) => this.world.later(ms, run) };
  }
}
