// A daemon that does what a test says, for the link; time is the test's own.
import assert from "node:assert/strict";
import type { Cursor, Query } from "../src/net/follow";
import { CallError } from "../src/net/http";
import { Link, type LinkState, type LinkWorld } from "../src/net/link";
import type { CommandError } from "../src/net/outbox";
import type { Reader } from "../src/net/stream";
import type { Neighbours } from "../src/net/tabs";
import type { Attached, CommandBody, CommandFate, CommandsAnswer, PollAnswer, WireEvent } from "../src/wire/types";
import { attached, snapshot } from "./fixtures";

type Answer = Partial<Omit<PollAnswer, "events">> & { events?: WireEvent[] };
export interface Held { query: Query; answer(value: Answer): void; fail(error: unknown): void; signal: AbortSignal }
export interface Posted { client: string; commands: CommandBody[]; cursor: Cursor | undefined; answer(value: CommandsAnswer): void; fail(error: unknown): void }

/** A body that comes as the test sends it. */
export class Body implements Reader {
  private readonly waiting: ((got: Promise<Uint8Array | null>) => void)[] = [];
  private readonly sent: Promise<Uint8Array | null>[] = [];
  readonly signal: AbortSignal;

  constructor(signal: AbortSignal) {
    this.signal = signal;
    signal.addEventListener("abort", () => this.fail());
  }
  read(): Promise<Uint8Array | null> {
    const next = this.sent.shift();
    return next ?? new Promise((settle) => this.waiting.push(settle));
  }
  private put(what: Promise<Uint8Array | null>): void {
    what.catch(() => undefined);
    const reader = this.waiting.shift();
    if (reader) reader(what);
    else this.sent.push(what);
  }
  /** One write, which arrives as one. */
  send(...blocks: string[]): void {
    this.put(Promise.resolve(new TextEncoder().encode(blocks.join(""))));
  }
  close(): void {
    this.put(Promise.resolve(null));
  }
  fail(): void {
    this.put(Promise.reject(new TypeError("network")));
  }
}

export const heartbeat = (seq = 0) => `event: heartbeat\ndata: {"seq":${seq}}\n\n`;
export const told = (...events: WireEvent[]) => events.map((event) => `id: e1:${event.seq}\ndata: ${JSON.stringify(event)}\n\n`).join("");
export const word = (kind: "end" | "reset", data: Answer) => `event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`;

export class Daemon implements LinkWorld {
  streams = true;
  neighbours: Neighbours | null = null;
  attaches: string[] = [];
  polls: Held[] = [];
  opened: (Body & { query: Query })[] = [];
  probes: Body[] = [];
  posts: Posted[] = [];
  detached: string[] = [];
  timers: { ms: number; run(): void }[] = [];
  ids = 0;
  time = 0;
  nextAttach: (() => Promise<Attached>) | null = null;
  /** What every attach meets with. */
  refusal: CallError | null = null;
  /** What becomes of the next request for a stream or a probe in place of a body. */
  nextOpen: (() => Promise<Reader>) | null = null;
  epoch = "e1";
  seq = 0;
  announced: Partial<Attached> = {};
  fates: CommandFate[] = [];

  attach(client: string): Promise<Attached> {
    this.attaches.push(client);
    if (this.refusal) return Promise.reject(this.refusal);
    const given = this.nextAttach;
    this.nextAttach = null;
    return given ? given() : Promise.resolve(attached(this.seq, snapshot(), { epoch: this.epoch, commands: this.fates, ...this.announced }));
  }
  poll(query: Query, signal: AbortSignal): Promise<PollAnswer> {
    return new Promise((settle, fail) => {
      const answer = (value: Answer) => settle({ epoch: query.epoch, events: [], more: false, ...value } as PollAnswer);
      this.polls.push({ query, answer, fail, signal });
      signal.addEventListener("abort", () => fail(new CallError(0, { code: "aborted", message: "" })));
    });
  }
  stream(query: Query, signal: AbortSignal): Promise<Reader> {
    const body = Object.assign(new Body(signal), { query });
    this.opened.push(body);
    return this.open(body);
  }
  probe(signal: AbortSignal): Promise<Reader> {
    const body = new Body(signal);
    this.probes.push(body);
    return this.open(body);
  }
  private open(body: Body): Promise<Reader> {
    const given = this.nextOpen;
    this.nextOpen = null;
    return given ? given() : Promise.resolve(body);
  }
  commands(client: string, commands: CommandBody[], cursor?: Cursor): Promise<CommandsAnswer> {
    return new Promise((answer, fail) => this.posts.push({ client, commands, cursor, answer, fail }));
  }
  detach(client: string): void {
    this.detached.push(client);
  }
  clientId(): string {
    return "tab0";
  }
  newClientId(): string {
    return `tab${++this.ids}`;
  }
  now(): number {
    return 1000;
  }
  clock(): number {
    return this.time;
  }
  later(ms: number, run: () => void): () => void {
    const timer = { ms, run };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((one) => one !== timer);
    };
  }
  wait(failures: number): number {
    return failures * 100;
  }
  get held(): Held {
    return last(this.polls, "no poll is held");
  }
  get followed(): Body & { query: Query } {
    return last(this.opened, "no stream was asked for");
  }
  get posted(): Posted {
    return last(this.posts, "nothing was posted");
  }
  fire(ms: number): void {
    const due = this.timers.filter((timer) => timer.ms === ms);
    assert.ok(due.length > 0, `no timer of ${ms} ms among ${this.timers.map((timer) => timer.ms).join()}`);
    this.timers = this.timers.filter((timer) => timer.ms !== ms);
    for (const timer of due) timer.run();
  }
}

function last<T>(list: T[], otherwise: string): T {
  const found = list.at(-1);
  assert.ok(found, otherwise);
  return found;
}

export const settle = async () => {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
};

export async function begin(daemon = new Daemon(), happens: (events: WireEvent[]) => void = () => undefined) {
  const events: WireEvent[] = [];
  /** As many as were handed over at a time. */
  const groups: number[] = [];
  const states: LinkState["kind"][] = [];
  const refusals: CallError[] = [];
  const ended: string[] = [];
  const link = new Link(daemon, {
    attached: () => undefined,
    events: (list) => {
      events.push(...list);
      groups.push(list.length);
      happens(list);
    },
    state: (state) => {
      states.push(state.kind);
      if (state.kind === "refused") refusals.push(state.error);
    },
    tried: () => undefined,
    ended: (code) => ended.push(code),
  });
  link.start();
  await settle();
  return { daemon, link, events, groups, states, refusals, ended };
}

export const accept = (post: Posted) => post.answer({ accepted: post.commands.map((one) => one.id), rejected: [] });
export const fateOf = (sent: Promise<unknown>) => sent.then((result) => ({ result }), (error: CommandError) => ({ code: error.code, unknown: error.unknown }));
