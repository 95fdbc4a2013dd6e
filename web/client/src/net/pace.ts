// Picks between polls and streams, and says when a stream's events are to be acknowledged; pure, with the clock's readings given to it.

/** So many arrivals make a session busy within the first time, and keep it so within the second. Milliseconds. */
const ARRIVALS = 3;
const BUSY = 10_000;
const QUIET = 60_000;
/** How long there are no streams after it turned out that they do not get through. */
const SHUT = 600_000;
/** And after the first probe in vain: a machine that was busy just then looks like a proxy that keeps what it gets. */
const AGAIN = 8_000;
/** Streams in a row that brought nothing before they broke. */
const STRIKES = 2;

const ACK_AFTER = 15_000;
/** What a stream may owe without a heartbeat: the daemon keeps it until then, for each user who is busy. */
const ACK_EVENTS = 64;
const ACK_BYTES = 16 * 1024;

/** `probe`: a poll, while it is found out whether streams get through. */
export type Way = "poll" | "probe" | "stream";

export class Pace {
  /** When the last answers with events, or events of a stream, came. */
  private arrivals: number[] = [];
  private shutUntil = -Infinity;
  private strikes = 0;
  private doubted = false;
  private proven = false;
  private pollFirst = false;

  /** How to ask next. After a stream, however it ended, a poll says whether there is a network. */
  choose(now: number): Way {
    if (this.pollFirst || now < this.shutUntil || !this.within(BUSY, now)) return "poll";
    return this.proven ? "stream" : "probe";
  }

  /** What was found out. */
  probed(passes: boolean, now: number): void {
    if (passes) this.proven = true;
    else if (this.doubted) this.shut(now);
    else this.shutUntil = now + AGAIN;
    this.doubted = !passes && !this.doubted;
  }

  /** A poll was answered. */
  polled(events: number, now: number): void {
    this.pollFirst = false;
    if (events > 0) this.arrived(1, now);
  }

  /** A stream brought events. */
  streamed(events: number, now: number): void {
    if (events > 0) this.arrived(events, now);
  }

  /** Whether a stream is no longer worth its heartbeats. */
  quiet(now: number): boolean {
    return !this.within(QUIET, now);
  }

  streamBegins(): void {
    this.pollFirst = true;
  }

  /** A stream ended as it should. */
  streamEnded(): void {
    this.strikes = 0;
  }

  /** A stream broke off; `hopeless` when the next one would not fare better. */
  streamBroke(hopeless: boolean, brought: boolean, now: number): void {
    this.strikes = brought ? 0 : this.strikes + 1;
    if (hopeless || this.strikes >= STRIKES) this.shut(now);
  }

  private shut(now: number): void {
    this.shutUntil = now + SHUT;
    // By then the page may be in another network.
    this.proven = false;
    this.strikes = 0;
  }

  private arrived(count: number, now: number): void {
    const more = new Array<number>(Math.min(count, ARRIVALS)).fill(now);
    this.arrivals = [...this.arrivals, ...more].slice(-ARRIVALS);
  }

  private within(ms: number, now: number): boolean {
    const [first] = this.arrivals;
    return first !== undefined && this.arrivals.length === ARRIVALS && now - first <= ms;
  }
}

/** What one stream owes the daemon. Any POST of commands pays it, as it carries the cursor. */
export class Receipts {
  /** An acknowledgement without commands is under way. */
  sending = false;
  private events = 0;
  private bytes = 0;
  private last = -Infinity;
  private readonly after: number;

  /** `hold` as the daemon announced it: it ends a stream that it hears nothing of for that long and some more. */
  constructor(hold: number) {
    this.after = Math.min(ACK_AFTER, hold * 0.6);
  }

  came(events: number, bytes: number): void {
    this.events += events;
    this.bytes += bytes;
  }

  /** A POST leaves with the cursor. Should it fail, the next one is soon enough. */
  sent(now: number): void {
    this.events = 0;
    this.bytes = 0;
    this.last = now;
  }

  due(heartbeat: boolean, now: number): boolean {
    if (this.sending) return false;
    return this.events >= ACK_EVENTS || this.bytes >= ACK_BYTES || (heartbeat && (this.events > 0 || now - this.last >= this.after));
  }
}
