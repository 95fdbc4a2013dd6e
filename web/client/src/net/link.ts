// The one connection between page and daemon: attach, polls or a stream, or what another tab is told by them; acknowledgements, recovery.
// It must not know what events mean.
import type { Attached, CommandBody, CommandsAnswer, PollAnswer, StreamEnd, WireEvent } from "../wire/types";
import { type Cursor, type Query, Streams, type StreamsWorld } from "./follow";
import { CallError } from "./http";
import { Outbox } from "./outbox";
import { Tabs, type TabsWorld } from "./tabs";
import type { Alert, Trouble } from "./told";

export type LinkState =
  | { kind: "idle" }
  | { kind: "catching-up" }
  | { kind: "live" }
  | { kind: "offline"; since: number; error?: CallError }
  /** It has stopped: nobody who asks again is answered better. */
  | { kind: "refused"; error: CallError };

export interface LinkWorld extends StreamsWorld, TabsWorld {
  attach(client: string, signal: AbortSignal): Promise<Attached>;
  poll(query: Query, signal: AbortSignal): Promise<PollAnswer>;
  commands(client: string, commands: CommandBody[], cursor?: Cursor): Promise<CommandsAnswer>;
  detach(client: string): void;
  clientId(): string;
  newClientId(): string;
  /** The time of day, to be shown. */
  now(): number;
  wait(failures: number): number;
}

export interface LinkListener {
  attached(answer: Attached, sameEpoch: boolean): void;
  events(events: WireEvent[]): void;
  state(state: LinkState): void;
  /** The session has ended: back to the front page. */
  ended(code: string): void;
  /** These commands are about to leave; or were taken by nobody. */
  tried(ids: ReadonlySet<string>, tried: boolean): void;
}

/** A poll's answer, or what another tab was told, or the end of a stream, whose events have been taken. */
type Answer = StreamEnd & { events?: WireEvent[] };

const GIVE_UP = 10_000;
const ATTACH_GIVE_UP = 30_000;

export class Link {
  readonly outbox: Outbox;
  private client: string;
  private epoch: string | null = null;
  private after = 0;
  private n = 0;
  private hold = 25_000;
  private heartbeat = 10_000;
  private running = false;
  /** It ran when the page went away. */
  private left = false;
  /** It ran when it was refused. */
  private stuck = false;
  /** Which run of the loop is the current one; an older one stops at its next step. */
  private turn = 0;
  private abort: AbortController | null = null;
  /** A poll is under way that a word of another tab makes needless. */
  private stopgap = false;
  /** A wait is under way before another one of these. */
  private dozes = false;
  private wake: (() => void) | null = null;
  private failures = 0;
  private since: number | null = null;
  private readonly streams: Streams;
  private readonly tabs: Tabs;
  private readonly world: LinkWorld;
  private readonly listener: LinkListener;

  constructor(world: LinkWorld, listener: LinkListener) {
    this.world = world;
    this.listener = listener;
    this.client = world.clientId();
    this.streams = new Streams(world);
    this.tabs = new Tabs(world, {
      after: () => this.after,
      hush: (fully) => this.hush(fully),
      speaks: () => {
        if (this.since === null) this.tabs.pass(this.after, []);
      },
      state: (state) => this.hearState(state),
      over: (code) => this.end(code),
      nudge: () => this.wake?.(),
      acknowledge: () => this.acknowledge(this.turn),
    });
    this.outbox = new Outbox({
      post: (commands) => this.post(commands),
      later: (ms, run) => world.later(ms, run),
      wait: (failures) => world.wait(failures),
      refused: (error) => this.refused(error),
      tried: (ids, tried) => this.listener.tried(ids, tried),
    });
  }

  get id(): string {
    return this.client;
  }

  start(): void {
    if (this.running) return;
    this.running = true;
    this.left = this.stuck = false;
    this.failures = 0;
    this.since = null;
    void this.run(++this.turn);
  }

  /** Tries once more after a refusal. */
  again(): void {
    if (!this.stuck) return;
    this.stuck = false;
    this.running = true;
    void this.run(++this.turn, true);
  }

  /** Stops for good (signed out): nothing is kept. `code` when the session has ended by that, for all tabs. */
  stop(code?: string): void {
    if (code !== undefined) this.tabs.over(code);
    this.halt();
    this.epoch = null;
    this.outbox.drop();
    this.listener.state({ kind: "idle" });
  }

  /** The page goes away: tell the daemon without waiting. */
  leave(): void {
    if (!this.running) return;
    this.halt();
    this.left = true;
    this.outbox.pause();
    this.world.detach(this.client);
  }

  /** The page is back from the back/forward cache. */
  comeBack(): void {
    if (!this.left) return;
    this.left = false;
    this.running = true;
    void this.run(++this.turn, true);
  }

  /** The network may be back: skip what is left of a wait. */
  nudge(): void {
    this.again();
    this.wake?.();
    this.outbox.nudge();
    if (this.since !== null) this.tabs.nudge();
  }

  /** Of all tabs that could sound for what they were told, up to event `seq`, whether it is for this one. `front`: the user looks at it. */
  sounds(front: boolean, seq: number, what?: Alert): Promise<boolean> {
    return this.tabs.sounds(front, seq, what);
  }

  /** The network is known to be gone. */
  lost(): void {
    if (this.running) this.offline();
  }

  private halt(): void {
    this.running = false;
    this.left = this.stuck = false;
    this.turn++;
    this.abort?.abort();
    this.abort = null;
    this.streams.halt();
    this.tabs.leave();
    this.wake?.();
  }

  private refused(error: CallError): void {
    if (!this.running) return;
    if (error.status === 401) return this.over(error.code);
    // The daemon forgot this client: attach again with what is left of the old state.
    this.turn++;
    this.abort?.abort();
    void this.run(this.turn, true);
  }

  private over(code: string): void {
    this.tabs.over(code);
    this.end(code);
  }

  private end(code: string): void {
    this.halt();
    this.epoch = null;
    this.outbox.drop();
    this.listener.ended(code);
  }

  private offline(error?: CallError): void {
    this.since ??= this.world.now();
    this.tabs.state({ kind: "offline", since: this.since });
    this.listener.state({ kind: "offline", since: this.since, ...(error ? { error } : {}) });
  }

  private refuse(error: CallError): void {
    this.halt();
    this.stuck = true;
    this.outbox.pause();
    this.listener.state({ kind: "refused", error });
  }

  private trouble(state: Trouble): void {
    this.tabs.state(state);
    this.listener.state(state);
  }

  private hearState(state: Trouble): void {
    if (state.kind === "offline") this.since ??= state.since;
    this.listener.state(state);
  }

  /** Another tab speaks; `fully`: it says all that this one lacks. */
  private hush(fully: boolean): void {
    if (this.dozes) this.wake?.();
    if (!this.stopgap || !fully) return;
    this.stopgap = false;
    this.abort?.abort();
  }

  private live(): void {
    this.failures = 0;
    this.since = null;
    this.listener.state({ kind: "live" });
  }

  private current(turn: number): boolean {
    return this.running && turn === this.turn;
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        cancel();
        if (this.wake === finish) this.wake = null;
        resolve();
      };
      const cancel = this.world.later(ms, finish);
      this.wake = finish;
    });
  }

  private async bounded<T>(ms: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const control = new AbortController();
    this.abort = control;
    const cancel = this.world.later(ms, () => control.abort());
    try {
      return await run(control.signal);
    } finally {
      cancel();
      if (this.abort === control) this.abort = null;
    }
  }

  private async run(turn: number, attach = this.epoch === null): Promise<void> {
    let attachNext = attach;
    let resets = 0;
    // A tab that was duplicated has the name of the other.
    if (!(await this.tabs.enter(this.client)) && this.current(turn)) await this.rename();
    while (this.current(turn)) {
      try {
        if (attachNext) {
          this.outbox.pause();
          if (this.since === null) this.trouble({ kind: "catching-up" });
          const answer = await this.bounded(ATTACH_GIVE_UP, (signal) => this.world.attach(this.client, signal));
          if (!this.current(turn)) return;
          const same = this.epoch === answer.epoch;
          this.epoch = answer.epoch;
          this.after = answer.seq;
          this.hold = answer.hold_ms;
          this.heartbeat = answer.heartbeat_ms;
          attachNext = false;
          this.listener.attached(answer, same);
          this.outbox.resume(answer.commands ?? [], same);
          this.live();
          this.tabs.attached(answer.user.id, answer.epoch, answer.hold_ms, answer.heartbeat_ms);
        }
        const answer = await this.ask(turn);
        if (!this.current(turn)) return;
        if (answer === null) continue;
        if (answer.reset) {
          attachNext = true;
          if (++resets > 2) await this.pause(this.world.wait(resets));
          continue;
        }
        resets = 0;
        this.take(answer.events ?? []);
        if (answer.end === "auth") return this.over("signed_out");
        if (answer.end === "superseded") {
          // Nothing newer of ours is under way, so another tab has our name: a duplicated one. Part ways.
          await this.rename();
          attachNext = true;
        } else if (answer.end === "restart") {
          this.trouble({ kind: "catching-up" });
          await this.pause(answer.retry_ms ?? 1000);
        }
      } catch (cause) {
        if (!this.current(turn)) return;
        const error = cause instanceof CallError ? cause : new CallError(0, { code: "no_answer", message: String(cause) });
        if (error.status === 401) return this.over(error.code);
        if (error.refuses && attachNext) return this.refuse(error);
        if (error.refuses || error.status === 410) attachNext = true;
        this.offline(error);
        this.dozes = !attachNext;
        await this.pause(error.retryMs ?? this.world.wait(++this.failures));
        if (!this.current(turn)) return;
        this.dozes = false;
      }
    }
  }

  private async rename(): Promise<void> {
    this.client = this.world.newClientId();
    this.n = 0;
    await this.tabs.rename(this.client);
  }

  /** What another tab says, or one poll, or one stream to its end. Null: ask again. */
  private async ask(turn: number): Promise<Answer | null> {
    const heard = await this.tabs.next(() => this.current(turn));
    if (heard || !this.current(turn)) return heard;
    const listens = this.tabs.listens;
    const query = { client: this.client, ...this.cursor(), n: ++this.n };
    if (!listens && this.streams.wanted()) return this.follow(turn, query);
    this.stopgap = listens;
    try {
      const answer = await this.bounded(this.hold + GIVE_UP, (signal) => this.world.poll(query, signal));
      if (!this.current(turn)) return null;
      this.streams.polled(answer.events?.length ?? 0);
      return answer;
    } catch (cause) {
      // Somebody spoke meanwhile.
      if (listens && !this.stopgap) return null;
      throw cause;
    } finally {
      if (this.current(turn)) this.stopgap = false;
    }
  }

  private async follow(turn: number, query: Query): Promise<Answer | null> {
    const control = new AbortController();
    this.abort = control;
    try {
      return await this.streams.follow(query, this.hold, this.heartbeat, control, {
        current: () => this.current(turn),
        take: (events) => this.take(events),
        acknowledge: () => this.acknowledge(turn),
      });
    } finally {
      if (this.abort === control) this.abort = null;
    }
  }

  private async acknowledge(turn: number): Promise<void> {
    try {
      await this.post([]);
    } catch (cause) {
      if (this.current(turn) && cause instanceof CallError && cause.disowns) this.refused(cause);
    }
  }

  private post(commands: CommandBody[]): Promise<CommandsAnswer> {
    const owes = this.tabs.posting() || this.streams.posting();
    return this.world.commands(this.client, commands, owes ? this.cursor() : undefined);
  }

  private cursor(): Cursor {
    return { epoch: this.epoch ?? "", after: this.after };
  }

  /** Events, or none as a sign of life. The others have them first: what becomes of them here is no matter of theirs. */
  private take(events: WireEvent[]): void {
    this.tabs.pass(this.after, events);
    this.accept(events);
    this.tabs.took(events);
    this.live();
  }

  private accept(given: readonly WireEvent[]): void {
    const events = given.filter((event) => event.seq > this.after);
    const last = events.at(-1);
    if (!last) return;
    this.listener.events(events);
    // The outcome of a command is told after its effects are in the state.
    this.outbox.observe(events, this.client);
    this.after = last.seq;
  }
}
