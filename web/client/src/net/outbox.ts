// The queue of commands on their way to the daemon: one POST at a time, idempotent ids, every fate told; it must not know polls.
import type { CommandBody, CommandFate, CommandsAnswer, WireError, WireEvent } from "../wire/types";
import { CallError } from "./http";

const BATCH = 100;
const BATCH_BYTES = 200 * 1024;

/** Why a command has no result. `unknown` means: nobody can say whether it was carried out. */
export class CommandError extends Error {
  readonly code: string;
  readonly field: string | null;
  readonly unknown: boolean;

  constructor(error: WireError, unknown = false) {
    super(error.message);
    this.code = error.code;
    this.field = error.field ?? null;
    this.unknown = unknown;
  }
}

interface Waiting {
  body: CommandBody;
  /** A POST with it has left at least once. */
  tried: boolean;
  /** The daemon has said that it took it. */
  accepted: boolean;
  /** A newer command of the same subject may take its place while unsent. */
  subject: string | null;
  done(result: unknown): void;
  failed(error: CommandError): void;
}

export interface OutboxWorld {
  post(commands: CommandBody[]): Promise<CommandsAnswer>;
  later(ms: number, run: () => void): () => void;
  /** Milliseconds to wait after that many failures in a row. */
  wait(failures: number): number;
  /** The daemon no longer knows the session, or no longer knows this client. */
  refused(error: CallError): void;
  /** These are about to leave: from here on nobody here knows whether they were carried out. `tried` false: they were not, for certain. */
  tried(ids: ReadonlySet<string>, tried: boolean): void;
}

export class Outbox {
  private readonly queue: Waiting[] = [];
  private readonly open = new Map<string, Waiting>();
  private posting = false;
  private ready = false;
  private failures = 0;
  private cancelTimer: (() => void) | null = null;
  private readonly world: OutboxWorld;

  constructor(world: OutboxWorld) {
    this.world = world;
  }

  /** Number of commands whose fate is not known yet. */
  get pending(): number {
    return this.queue.length + this.open.size;
  }

  /** `tried`: it has left before, from a page that is gone. The next attach says what became of it; it does not leave again. */
  send(body: CommandBody, subject: string | null = null, tried = false): Promise<unknown> {
    return new Promise((done, failed) => {
      const entry: Waiting = { body, tried, accepted: false, subject, done, failed };
      const older = subject === null ? -1 : this.queue.findIndex((other) => other.subject === subject && !other.tried);
      if (older >= 0) {
        const [gone] = this.queue.splice(older, 1);
        gone?.failed(new CommandError({ code: "replaced", message: "A newer one took its place." }));
      }
      this.queue.push(entry);
      void this.pump();
    });
  }

  /** Takes back what has not left yet. False: it has. */
  takeBack(id: string): boolean {
    const entry = this.queue.find((one) => one.body.id === id && !one.tried);
    if (!entry) return false;
    this.remove(entry);
    entry.failed(new CommandError({ code: "taken_back", message: "It was taken back." }));
    return true;
  }

  /** Attached: what became of the commands of before, then on with the queue. */
  resume(fates: CommandFate[], sameEpoch: boolean): void {
    const told = new Map(fates.map((fate) => [fate.id, fate]));
    for (const entry of [...this.open.values()]) {
      const fate = told.get(entry.body.id);
      if (fate) this.settle(entry, fate);
      else this.lose(entry);
    }
    for (const entry of this.queue.filter((one) => one.tried)) {
      const fate = told.get(entry.body.id);
      if (fate) {
        this.remove(entry);
        entry.accepted = true;
        this.open.set(entry.body.id, entry);
        this.settle(entry, fate);
      } else if (!sameEpoch) {
        this.remove(entry);
        this.lose(entry);
      }
    }
    this.ready = true;
    this.failures = 0;
    this.stopTimer();
    void this.pump();
  }

  pause(): void {
    this.ready = false;
    this.stopTimer();
  }

  /** Try at once what waits for a timer (the network is back). */
  nudge(): void {
    if (!this.cancelTimer) return;
    this.stopTimer();
    void this.pump();
  }

  /** The session is over: everything unsettled is of unknown fate or was never sent. */
  drop(): void {
    this.pause();
    for (const entry of [...this.open.values()]) this.lose(entry);
    for (const entry of this.queue.splice(0)) {
      if (entry.tried) this.lose(entry);
      else entry.failed(new CommandError({ code: "not_sent", message: "It was never sent." }));
    }
  }

  /** Looks through an answer's events for outcomes of this client's commands. */
  observe(events: readonly WireEvent[], client: string): void {
    for (const event of events) {
      if (event.type !== "command.done" && event.type !== "command.failed") continue;
      const origin = event.origin;
      if (!origin || origin.client !== client) continue;
      let entry = this.open.get(origin.command);
      if (!entry) {
        // The outcome may overtake the answer of the POST that carried the command.
        entry = this.queue.find((one) => one.body.id === origin.command);
        if (entry) this.remove(entry);
      }
      if (!entry) continue;
      this.open.delete(origin.command);
      if (event.type === "command.done") entry.done(event["result"] ?? null);
      else entry.failed(new CommandError((event["error"] as WireError | undefined) ?? { code: "failed", message: "" }));
    }
  }

  private mark(entries: readonly Waiting[], tried: boolean): void {
    const other = entries.filter((entry) => entry.tried !== tried);
    if (other.length === 0) return;
    for (const entry of other) entry.tried = tried;
    this.world.tried(new Set(other.map((entry) => entry.body.id)), tried);
  }

  private settle(entry: Waiting, fate: CommandFate): void {
    if (fate.state === "running") return;
    this.open.delete(entry.body.id);
    if (fate.state === "done") entry.done(fate.result ?? null);
    else entry.failed(new CommandError(fate.error ?? { code: "failed", message: "" }));
  }

  private lose(entry: Waiting): void {
    this.open.delete(entry.body.id);
    entry.failed(new CommandError({ code: "unknown_fate", message: "The server can no longer say." }, true));
  }

  private remove(entry: Waiting): void {
    const at = this.queue.indexOf(entry);
    if (at >= 0) this.queue.splice(at, 1);
  }

  private stopTimer(): void {
    this.cancelTimer?.();
    this.cancelTimer = null;
  }

  private again(ms: number): void {
    this.stopTimer();
    this.cancelTimer = this.world.later(ms, () => {
      this.cancelTimer = null;
      void this.pump();
    });
  }

  private take(): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (const entry of this.queue) {
      bytes += JSON.stringify(entry.body).length * 2;
      if (batch.length > 0 && (batch.length >= BATCH || bytes > BATCH_BYTES)) break;
      batch.push(entry);
    }
    return batch;
  }

  private async pump(): Promise<void> {
    if (this.posting || !this.ready || this.cancelTimer) return;
    // Commands given in the same turn of the page share one POST.
    this.posting = true;
    await Promise.resolve();
    const batch = this.ready ? this.take() : [];
    if (batch.length === 0) {
      this.posting = false;
      return;
    }
    this.mark(batch, true);
    let wait: number | null = null;
    try {
      const answer = await this.world.post(batch.map((entry) => entry.body));
      this.failures = 0;
      wait = this.verdict(batch, answer);
    } catch (cause) {
      wait = this.trouble(batch, cause instanceof CallError ? cause : new CallError(0, { code: "no_answer", message: String(cause) }));
    }
    this.posting = false;
    if (wait !== null) this.again(wait);
    else if (this.queue.length > 0) void this.pump();
  }

  /** Returns how long to wait when something has to be tried again. */
  private verdict(batch: Waiting[], answer: CommandsAnswer): number | null {
    const accepted = new Set(answer.accepted);
    const rejected = new Map(answer.rejected.map((one) => [one.id, one.error]));
    let wait: number | null = null;
    for (const entry of batch) {
      if (!this.queue.includes(entry)) continue;
      const id = entry.body.id;
      const error = rejected.get(id);
      if (accepted.has(id)) {
        this.remove(entry);
        entry.accepted = true;
        this.open.set(id, entry);
      } else if (!error || error.code === "busy" || error.code === "rate_limited") {
        // Not taken and not remembered: still first in the queue, in order.
        this.mark([entry], false);
        wait = Math.max(wait ?? 0, error?.retry_ms ?? this.world.wait(++this.failures));
      } else {
        this.remove(entry);
        entry.failed(new CommandError(error));
      }
    }
    return wait;
  }

  private trouble(batch: Waiting[], error: CallError): number | null {
    if (error.disowns) {
      // Taken by nobody; after the next attach they go again.
      this.mark(batch, false);
      this.ready = false;
      this.world.refused(error);
      return null;
    }
    const again = error.status === 0 || error.status === 408 || error.status === 425 || error.status === 429 || error.status >= 500;
    if (!again && batch.length === 1) {
      const entry = batch[0];
      if (entry) {
        this.remove(entry);
        entry.failed(new CommandError({ code: error.code, message: error.message, field: error.field }));
      }
      return null;
    }
    if (!again) {
      // One malformed command must not take its neighbours along.
      for (const entry of batch) {
        this.remove(entry);
        void this.alone(entry);
      }
      return null;
    }
    if (error.status === 503 || error.status === 429) this.mark(batch, false);
    return error.retryMs ?? this.world.wait(++this.failures);
  }

  private async alone(entry: Waiting): Promise<void> {
    try {
      const answer = await this.world.post([entry.body]);
      this.queue.unshift(entry);
      const wait = this.verdict([entry], answer);
      if (wait !== null) this.again(wait);
    } catch (cause) {
      const error = cause instanceof CallError ? cause : new CallError(0, { code: "no_answer", message: String(cause) });
      entry.failed(new CommandError({ code: error.code, message: error.message, field: error.field }, error.status === 0));
    }
  }
}
