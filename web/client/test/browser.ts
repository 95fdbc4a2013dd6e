// A browser with several tabs of the page; every tab can be frozen, and everything on its way takes as long as the test says.
import assert from "node:assert/strict";
import type { Cursor, Query } from "../src/net/follow";
import { CallError } from "../src/net/http";
import { Link, type LinkState, type LinkWorld } from "../src/net/link";
import type { Reader } from "../src/net/stream";
import type { Channel, Neighbours } from "../src/net/tabs";
import type { Attached, CommandBody, CommandsAnswer, PollAnswer, WireEvent } from "../src/wire/types";
import { Body, fateOf } from "./daemon";
import { Clock, Hub, settle } from "./hub";

export class Tab implements LinkWorld {
  streams = false;
  /** How much longer its answers take than those of others. */
  slow = 0;
  readonly link: Link;
  readonly states: LinkState["kind"][] = [];
  readonly ended: string[] = [];
  /** The number of the snapshot, and of each event after it. */
  seqs: number[] = [];
  attaches = 0;
  readonly neighbours: Neighbours | null;
  private kept: string;
  private frozen: (() => void)[] | null = null;
  closed = false;
  private readonly browser: Browser;

  constructor(browser: Browser, id: string, meets: boolean) {
    this.browser = browser;
    this.kept = id;
    this.neighbours = meets ? { place: "/", open: (name, hear) => browser.open(this, name, hear), lock: (name, now, settled) => browser.lock(this, name, now, settled) } : null;
    this.link = new Link(this, {
      attached: (answer) => {
        this.attaches++;
        this.seqs = [answer.seq];
      },
      events: (events) => this.take(events),
      state: (state) => this.states.push(state.kind),
      tried: () => undefined,
      ended: (code) => this.ended.push(code),
    });
  }

  get id(): string {
    return this.kept;
  }
  get last(): number {
    return this.seqs.at(-1) ?? -1;
  }
  get isFrozen(): boolean {
    return this.frozen !== null;
  }

  freeze(): void {
    this.frozen ??= [];
  }
  thaw(): void {
    const waiting = this.frozen ?? [];
    this.frozen = null;
    for (const run of waiting) run();
  }
  close(says = true): void {
    this.thaw();
    if (says) this.link.leave();
    this.closed = true;
    this.browser.gone(this);
  }
  /** Does what reaches this tab, when it can. */
  reach(run: () => void): void {
    if (this.closed) return;
    if (this.frozen) this.frozen.push(() => this.reach(run));
    else run();
  }

  private take(events: WireEvent[]): void {
    for (const { seq } of events) {
      const following = this.browser.hub.all.find((one) => one > this.last);
      assert.equal(seq, following, `${this.id} has ${this.last}`);
      this.seqs.push(seq);
    }
  }

  /** A request, which reaches the daemon and is answered after some time each. */
  private ask<T>(signal: AbortSignal | null, run: (settle: (value: T) => void, fail: (error: unknown) => void) => void): Promise<T> {
    return new Promise((settle, fail) => {
      const back = (then: () => void) => this.browser.travel(() => this.reach(then), this.slow);
      const refuse = (error: unknown) => back(() => fail(error));
      signal?.addEventListener("abort", () => fail(new CallError(0, { code: "aborted", message: "" })));
      this.browser.travel(() => {
        if (signal?.aborted) return;
        try {
          run((value) => back(() => settle(value)), refuse);
        } catch (error) {
          refuse(error);
        }
      });
    });
  }

  attach(client: string, signal: AbortSignal): Promise<Attached> {
    return this.ask(signal, (settle) => settle(this.browser.hub.attach(client)));
  }
  poll(query: Query, signal: AbortSignal): Promise<PollAnswer> {
    return this.ask(signal, (settle) => this.browser.hub.poll(query, settle, this.reachable(signal)));
  }
  stream(query: Query, signal: AbortSignal): Promise<Reader> {
    return this.ask(signal, (settle) => {
      const body = new Body(this.reachable(signal));
      this.browser.hub.stream(query, body);
      settle(body);
    });
  }
  probe(signal: AbortSignal): Promise<Reader> {
    return this.ask(signal, (settle) => {
      const body = new Body(signal);
      for (const ms of [0, 300, 2000]) this.browser.clock.later(ms, () => body.send(`: ${ms}\n`));
      settle(body);
    });
  }
  commands(client: string, commands: CommandBody[], cursor?: Cursor): Promise<CommandsAnswer> {
    return this.ask(null, (settle) => settle(this.browser.hub.commands(client, commands, cursor)));
  }
  detach(client: string): void {
    if (!this.browser.hub.down) this.browser.hub.detach(client);
  }
  /** The daemon sees that a connection is closed, whether by the page or with it. */
  private reachable(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.browser.connection(this)]);
  }

  clientId(): string {
    return this.kept;
  }
  newClientId(): string {
    return (this.kept = this.browser.freshId());
  }
  now(): number {
    return this.browser.clock.now;
  }
  clock(): number {
    return this.browser.clock.now;
  }
  later(ms: number, run: () => void): () => void {
    let cancelled = false;
    const cancel = this.browser.clock.later(ms, () => this.reach(() => cancelled || run()));
    return () => {
      cancelled = true;
      cancel();
    };
  }
  wait(failures: number): number {
    return Math.min(failures * 500, 30_000);
  }
}

interface Waiting { tab: Tab; settled(held: boolean): void }

export class Browser {
  readonly clock = new Clock();
  readonly hub = new Hub(this.clock);
  tabs: Tab[] = [];
  /** How long a request, an answer, or a word between tabs takes. */
  delay = () => 0;
  private readonly channels: { tab: Tab; name: string; hear(message: unknown): void }[] = [];
  private readonly locks = new Map<string, Waiting[]>();
  private readonly connections = new Map<Tab, AbortController>();
  private ids = 0;
  /** What reaches a tab from others does so in order. */
  private readonly latest = new Map<Tab, number>();

  freshId(): string {
    return `tab${this.ids++}`;
  }

  async tab(more: { id?: string; meets?: boolean; streams?: boolean; slow?: number } = {}): Promise<Tab> {
    const tab = new Tab(this, more.id ?? this.freshId(), more.meets ?? true);
    tab.streams = more.streams ?? false;
    tab.slow = more.slow ?? 0;
    this.tabs.push(tab);
    tab.link.start();
    await settle();
    return tab;
  }

  emit(gap = 0): void {
    this.hub.emit("mail", {}, gap);
  }

  travel(run: () => void, more = 0): void {
    this.clock.later(this.delay() + more, run);
  }

  connection(tab: Tab): AbortSignal {
    const known = this.connections.get(tab) ?? new AbortController();
    this.connections.set(tab, known);
    return known.signal;
  }

  gone(tab: Tab): void {
    this.tabs = this.tabs.filter((one) => one !== tab);
    this.connections.get(tab)?.abort();
    for (let at = this.channels.length - 1; at >= 0; at--) if (this.channels[at]?.tab === tab) this.channels.splice(at, 1);
    for (const name of [...this.locks.keys()]) this.unlock(name, (one) => one.tab === tab);
  }

  open(tab: Tab, name: string, hear: (message: unknown) => void): Channel {
    const channel = { tab, name, hear };
    this.channels.push(channel);
    return {
      post: (message) => {
        if (tab.closed) return;
        assert.ok(this.channels.includes(channel), "a closed channel says nothing");
        for (const other of this.channels) {
          if (other === channel || other.name !== name) continue;
          const copy: unknown = structuredClone(message);
          const at = Math.max(this.clock.now + this.delay(), this.latest.get(other.tab) ?? 0);
          this.latest.set(other.tab, at);
          this.clock.later(at - this.clock.now, () => other.tab.reach(() => this.channels.includes(other) && other.hear(copy)));
        }
      },
      close: () => {
        const at = this.channels.indexOf(channel);
        if (at >= 0) this.channels.splice(at, 1);
      },
    };
  }

  /** Says something to every tab on a channel of the page, as a page of another kind might. */
  shout(message: unknown): void {
    for (const channel of [...this.channels]) channel.hear(message);
  }

  lock(tab: Tab, name: string, now: boolean, settled: (held: boolean) => void): () => void {
    if (tab.closed) return () => undefined;
    let left = false;
    const say = (held: boolean) => this.clock.later(0, () => tab.reach(() => left || settled(held)));
    const line = this.locks.get(name) ?? [];
    if (now && line.length > 0) say(false);
    else {
      const waiting = { tab, settled: say };
      this.locks.set(name, [...line, waiting]);
      if (line.length === 0) say(true);
      return () => {
        left = true;
        this.unlock(name, (one) => one === waiting);
      };
    }
    return () => {
      left = true;
    };
  }

  private unlock(name: string, whose: (one: Waiting) => boolean): void {
    const line = this.locks.get(name) ?? [];
    const rest = line.filter((one) => !whose(one));
    this.locks.set(name, rest);
    if (rest[0] && rest[0] !== line[0]) rest[0].settled(true);
  }
}

/** A browser with so many tabs, one after another. */
export async function tabs(count: number, more: Parameters<Browser["tab"]>[0] = {}): Promise<Browser> {
  const browser = new Browser();
  for (let n = 0; n < count; n++) {
    await browser.tab(more);
    await browser.clock.pass(100);
  }
  return browser;
}

export function assertAll(browser: Browser): void {
  for (const tab of browser.tabs) assert.equal(tab.last, browser.hub.seq, `${tab.id} has everything`);
}

/** Whoever has the poll or stream. */
export function speaker(browser: Browser): Tab {
  const [found, ...more] = browser.tabs.filter((tab) => browser.hub.clients.get(tab.id)?.held);
  assert.ok(found && more.length === 0, "one tab speaks");
  return found;
}

export const listeners = (browser: Browser) => browser.tabs.filter((tab) => tab !== speaker(browser));

/** A command of a tab, and how it ended. */
export async function fateSent(tab: Tab | undefined, browser: Browser, id = "c1"): Promise<unknown> {
  assert.ok(tab);
  const fate = fateOf(tab.link.outbox.send({ id, type: "status.set" }));
  await browser.clock.pass(10);
  return fate;
}
