// The daemon as far as one user's log goes, and the clock of everything.
import assert from "node:assert/strict";
import type { Cursor, Query } from "../src/net/follow";
import { CallError } from "../src/net/http";
import type { Attached, CommandBody, CommandsAnswer, PollAnswer, StreamEnd, WireEvent } from "../src/wire/types";
import { type Body, heartbeat, told, word } from "./daemon";
import { attached, event, snapshot } from "./fixtures";

export const HOLD = 25_000;
export const HEARTBEAT = 10_000;
/** So many events are kept for those who do not come. */
const LOG = 40;

/** Lets everything happen that does not wait for time. */
export const settle = () => new Promise<void>((done) => setImmediate(done));

export class Clock {
  now = 0;
  private timers: { at: number; order: number; run(): void }[] = [];
  private order = 0;

  later(ms: number, run: () => void): () => void {
    const timer = { at: this.now + ms, order: this.order++, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((one) => one !== timer);
    };
  }

  /** Lets time pass, with everything that is due in it in its order. */
  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      await settle();
      const next = this.timers.filter((one) => one.at <= end).sort((one, other) => one.at - other.at || one.order - other.order)[0];
      if (!next) break;
      this.timers = this.timers.filter((one) => one !== next);
      this.now = next.at;
      next.run();
    }
    this.now = end;
    await settle();
  }
}

interface Client {
  acked: number;
  n: number;
  heard: number;
  seen: Set<string>;
  /** Answers the held poll, or tells the stream. */
  held: { look(): void; end(why: StreamEnd): void } | null;
}

/** The daemon, as far as one user's log goes. */
export class Hub {
  epoch = "e1";
  user = "u1";
  log: WireEvent[] = [];
  /** The number of every event there ever was. */
  all: number[] = [];
  seq = 0;
  floor = 0;
  polls = 0;
  streams = 0;
  posts: { client: string; cursor: Cursor | undefined; commands: number }[] = [];
  attaches: string[] = [];
  carriedOut: string[] = [];
  readonly clients = new Map<string, Client>();
  over: string | null = null;
  down = false;
  readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Polls and streams that are open. */
  get open(): number {
    return [...this.clients.values()].filter((client) => client.held).length;
  }

  emit(type = "mail", fields: Record<string, unknown> = {}, gap = 0): void {
    this.seq += 1 + gap;
    this.all.push(this.seq);
    this.log.push(event(this.seq, type, fields));
    this.bound();
    for (const client of [...this.clients.values()]) client.held?.look();
  }

  restart(): void {
    this.epoch = `e${Number(this.epoch.slice(1)) + 1}`;
    this.log = [];
    const before = [...this.clients.values()];
    this.clients.clear();
    for (const client of before) client.held?.end({ end: "restart", retry_ms: 500 });
  }

  signOut(): void {
    this.over = "not_signed_in";
    for (const client of [...this.clients.values()]) client.held?.end({ end: "auth" });
  }

  attach(id: string): Attached {
    this.check();
    this.attaches.push(id);
    const known = this.clients.get(id);
    if (!known) this.clients.set(id, { acked: this.seq, n: -1, heard: this.clock.now, seen: new Set(), held: null });
    else {
      known.n = -1;
      if (known.acked < this.floor) known.acked = this.seq;
    }
    return attached(this.seq, snapshot(), { epoch: this.epoch, hold_ms: HOLD, heartbeat_ms: HEARTBEAT, commands: [...(known?.seen ?? [])].map((id) => ({ id, state: "done" as const })), user: { id: this.user, name: "ines", guest: false } });
  }

  detach(id: string): void {
    const client = this.clients.get(id);
    this.clients.delete(id);
    client?.held?.end({ reset: "client" });
    this.bound();
  }

  poll(query: Query, answer: (answer: PollAnswer) => void, gone: AbortSignal): void {
    this.check();
    this.polls++;
    const say = (more: Partial<PollAnswer>) => answer({ epoch: this.epoch, events: [], more: false, ...more } as PollAnswer);
    this.arrive(query, (why) => say(why as Partial<PollAnswer>), gone, (client, leave) => {
      client.acked = Math.max(client.acked, query.after);
      this.bound();
      const cancel = this.clock.later(HOLD, () => (leave(), say({ end: "hold" })));
      return () => {
        if (client.acked < this.floor) return cancel(), leave(), say({ reset: "gap" });
        const events = this.log.filter((one) => one.seq > client.acked);
        if (events.length > 0) cancel(), leave(), say({ events: events.slice(0, 10), more: events.length > 10 } as Partial<PollAnswer>);
      };
    });
  }

  stream(query: Query, body: Body): void {
    this.check();
    this.streams++;
    let given = query.after;
    const end = (why: StreamEnd) => (body.send(word(why.reset ? "reset" : "end", why as Partial<PollAnswer>)), body.close());
    this.arrive(query, end, body.signal, (client, leave) => {
      client.acked = Math.max(client.acked, query.after);
      const beat = () => {
        body.send(heartbeat(this.seq));
        if (client.held && !body.signal.aborted) this.clock.later(HEARTBEAT, beat);
      };
      beat();
      return () => {
        if (given < this.floor) return leave(), end({ reset: "gap" });
        const events = this.log.filter((one) => one.seq > given);
        given = this.seq;
        if (events.length > 0) body.send(told(...events));
      };
    });
  }

  commands(id: string, commands: CommandBody[], cursor: Cursor | undefined): CommandsAnswer {
    this.check();
    this.posts.push({ client: id, cursor, commands: commands.length });
    const client = this.clients.get(id);
    if (!client) throw new CallError(409, { code: "no_such_client", message: "" });
    if (cursor && cursor.epoch === this.epoch) {
      assert.ok(cursor.after <= this.seq, "nothing is acknowledged before it was");
      client.acked = Math.max(client.acked, cursor.after);
      client.heard = this.clock.now;
      this.bound();
    }
    for (const one of commands) {
      if (client.seen.has(one.id)) continue;
      client.seen.add(one.id);
      this.carriedOut.push(one.id);
      this.emit("command.done", { origin: { client: id, command: one.id } });
    }
    return { accepted: commands.map((one) => one.id), rejected: [] };
  }

  private check(): void {
    if (this.down) throw new TypeError("network");
    if (this.over) throw new CallError(401, { code: this.over, message: "" });
  }

  private bound(): void {
    const needed = Math.min(this.seq, ...[...this.clients.values()].map((client) => client.acked));
    while (this.log[0] && (this.log[0].seq <= needed || this.log.length > LOG)) this.floor = this.log.shift()?.seq ?? this.floor;
  }

  private arrive(query: Query, end: (why: StreamEnd) => void, gone: AbortSignal, hold: (client: Client, leave: () => void) => () => void): void {
    const client = this.clients.get(query.client);
    if (query.epoch !== this.epoch) return end({ reset: "epoch" });
    if (!client) return end({ reset: "client" });
    if (query.n < client.n) return end({ end: "superseded" });
    client.n = query.n;
    client.heard = this.clock.now;
    client.held?.end({ end: "superseded" });
    const held = { look: () => undefined as void, end: (why: StreamEnd) => (leave(), end(why)) };
    const leave = () => {
      if (client.held === held) client.held = null;
    };
    client.held = held;
    gone.addEventListener("abort", leave);
    held.look = hold(client, leave);
    held.look();
    if (gone.aborted) leave();
  }
}
