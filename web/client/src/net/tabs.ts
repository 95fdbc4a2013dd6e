// The tabs of a browser as one of them sees it: which one speaks with the daemon for all, what it tells the others, and what these answer
// for. It must not know requests, nor what events mean.
import type { WireEvent } from "../wire/types";
import { Receipts } from "./pace";
import { Ear, readTold, type Alert, type Told, type Trouble, type Word } from "./told";

/** Pages that tell each other something else than this one have another number. */
export const VERSION = "bellflower.2";

/** A browser that says nothing about a lock for so long has none. Milliseconds, like all below. */
const NO_LOCKS = 5000;
/** How long after a hold a listener still waits for a word. */
const SILENCE = 10_000;
/** The part of a hold after which a listener is heard of. */
const PRESENT = 0.8;
/** How long the tab in front, and then the speaker, have to sound before others do, and what lies between these. */
const FRONT_SOUNDS = 300;
const SPEAKER_SOUNDS = 1500;
const APART = 100;

export interface Channel {
  post(message: Told): void;
  close(): void;
}

/** Other tabs of this browser, as far as it lets them meet. */
export interface Neighbours {
  /** Pages of other sites below the same origin have another. */
  readonly place: string;
  open(name: string, hear: (message: unknown) => void): Channel;
  /**
   * Asks for a lock; `now`: only if nobody has it. Says once whether it is held from now on, or never will be.
   * Gives a function that releases it or stops the waiting.
   */
  lock(name: string, now: boolean, settled: (held: boolean) => void): () => void;
}

export interface TabsWorld {
  /** Null: each tab is alone. */
  readonly neighbours: Neighbours | null;
  clock(): number;
  later(ms: number, run: () => void): () => void;
}

/** The tab itself. */
export interface Self {
  /** The last event that it has. */
  after(): number;
  /** A word has come: there is no need to wait before asking; `fully`: nor to ask. */
  hush(fully: boolean): void;
  /** It is the speaker now, or attached as such: the others wait for a sign of life. */
  speaks(): void;
  state(state: Trouble): void;
  over(code: string): void;
  nudge(): void;
  /** Sends a POST without commands; one that fails is left to the next. */
  acknowledge(): Promise<void>;
}

export class Tabs {
  private readonly ear = new Ear();
  private channel: Channel | null = null;
  /** The locks do not work: the tab is alone for good. */
  private alone = false;
  private id = "";
  private freeId: (() => void) | null = null;
  private freeSpeech: (() => void) | null = null;
  /** For which user the tab speaks or waits to. */
  private user: string | null = null;
  private epoch = "";
  private speaking = false;
  /** Nobody has said anything for too long. */
  private silent = false;
  private heeded: Record<Alert, number> = { sound: -1, note: -1 };
  private hold = 0;
  private receipts: Receipts | null = null;
  private cancelSilence: (() => void) | null = null;
  private cancelTick: (() => void) | null = null;
  private wake: (() => void) | null = null;
  private readonly world: TabsWorld;
  private readonly self: Self;

  constructor(world: TabsWorld, self: Self) {
    this.world = world;
    this.self = self;
  }

  /** Whether the events come from another tab. */
  get listens(): boolean {
    return this.channel !== null && !this.speaking;
  }

  /** From now on everything that is said is kept. False: another tab has this name. */
  async enter(id: string): Promise<boolean> {
    const neighbours = this.world.neighbours;
    if (!neighbours || this.alone || this.channel) return true;
    try {
      const channel = neighbours.open(`${VERSION} ${neighbours.place}`, (message) => {
        const told = readTold(message);
        if (told && this.channel === channel) this.hear(told);
      });
      this.channel = channel;
    } catch {
      this.alone = true;
      return true;
    }
    return this.claim(neighbours, id);
  }

  /** The tab has a new name. */
  async rename(id: string): Promise<void> {
    if (this.world.neighbours && this.channel) await this.claim(this.world.neighbours, id);
  }

  /** Attached: from here on what was kept is taken, and the tab waits for its turn to speak. */
  attached(user: string, epoch: string, hold: number, heartbeat: number): void {
    if (!this.world.neighbours || !this.channel) return;
    if (epoch !== this.epoch) this.heeded = { sound: -1, note: -1 };
    this.ear.attached(user, epoch);
    this.epoch = epoch;
    this.hold = hold;
    if (user !== this.user) {
      this.hushUp();
      this.user = user;
      this.freeSpeech = this.world.neighbours.lock(`${VERSION} ${this.world.neighbours.place} speaker ${user}`, false, (held) =>
        held ? this.speak() : this.giveUp(),
      );
    }
    if (this.speaking) return this.self.speaks();
    this.receipts = new Receipts(hold);
    this.heard();
    this.tick(Math.min(heartbeat, PRESENT * hold));
  }

  /** What a listener is to take next, as soon as there is something. Null: the daemon is to be asked. */
  async next(current: () => boolean): Promise<{ events: WireEvent[] } | { reset: "epoch" } | null> {
    while (current() && this.listens) {
      const step = this.ear.next(this.self.after());
      if (step === "attach") return { reset: "epoch" };
      if (step === "ask") return null;
      if (step) return step;
      if (this.silent) return null;
      await new Promise<void>((settle) => (this.wake = settle));
    }
    return null;
  }

  /** Events have been processed, or a sign of life; no poll of a listener acknowledges them. */
  took(events: readonly WireEvent[]): void {
    if (!this.listens || !this.receipts) return;
    if (events.length > 0) this.receipts.came(events.length, JSON.stringify(events).length);
    this.pay(events.length === 0);
  }

  /** A POST of commands leaves: whether it has to carry the cursor. */
  posting(): boolean {
    if (!this.listens) return false;
    this.receipts?.sent(this.world.clock());
    return true;
  }

  /** The speaker passes on what it was told, or with no events that it was told something. */
  pass(from: number, events: readonly WireEvent[]): void {
    const news = events.filter((event) => event.seq > from);
    if (this.speaking) this.tell({ kind: "news", from, to: news.at(-1)?.seq ?? from, events: news });
  }

  state(state: Trouble): void {
    if (this.speaking) this.tell({ kind: "state", state });
  }

  over(code: string): void {
    this.tell({ kind: "over", code });
  }

  /** The network may be back. */
  nudge(): void {
    if (this.listens) this.tell({ kind: "nudge" });
  }

  /**
   * Of all tabs that could sound for what they were just told, up to `seq`, or show a note of it, whether it is for this one: for the one in
   * front, else for the speaker, else for any.
   */
  async sounds(front: boolean, seq: number, what: Alert = "sound"): Promise<boolean> {
    if (!this.channel) return true;
    if (!front) {
      // Names differ, and so the others hardly ever sound at the same time.
      const place = Number.parseInt(this.id.slice(0, 1), 16) || 0;
      const wait = this.speaking ? FRONT_SOUNDS : SPEAKER_SOUNDS + place * APART;
      await new Promise<void>((settle) => this.world.later(wait, settle));
      if (this.heeded[what] >= seq) return false;
    }
    this.heeded[what] = Math.max(this.heeded[what], seq);
    this.tell({ kind: "heeded", seq, what });
    return true;
  }

  /** The tab goes, or its session does. */
  leave(): void {
    this.channel?.close();
    this.channel = null;
    this.freeId?.();
    this.freeId = null;
    this.hushUp();
    this.ear.clear();
    this.awake();
  }

  private claim(neighbours: Neighbours, id: string): Promise<boolean> {
    const channel = this.channel;
    this.id = id;
    this.freeId?.();
    return new Promise((settle) => {
      const cancel = this.world.later(NO_LOCKS, () => {
        if (this.channel === channel) this.giveUp();
        settle(true);
      });
      this.freeId = neighbours.lock(`${VERSION} ${neighbours.place} tab ${id}`, true, (held) => {
        cancel();
        settle(held);
      });
    });
  }

  private giveUp(): void {
    this.alone = true;
    this.leave();
  }

  private speak(): void {
    this.speaking = true;
    this.silent = false;
    this.stopTimers();
    this.ear.clear();
    this.self.speaks();
    this.awake();
  }

  private hushUp(): void {
    this.freeSpeech?.();
    this.freeSpeech = null;
    this.user = null;
    this.speaking = false;
    this.silent = false;
    this.receipts = null;
    this.stopTimers();
  }

  private tell(word: Word): void {
    if (this.user !== null) this.channel?.post({ user: this.user, epoch: this.epoch, ...word });
  }

  private hear(told: Told): void {
    if (told.kind === "news") {
      if (this.speaking || !this.ear.hear(told) || this.user === null) return;
      this.heard();
      this.self.hush(told.epoch !== this.epoch || told.from <= this.self.after());
      return this.awake();
    }
    if (told.user !== this.user) return;
    const sameLog = told.epoch === this.epoch;
    if (told.kind === "over" && sameLog) this.self.over(told.code);
    if (told.kind === "heeded" && sameLog) this.heeded[told.what] = Math.max(this.heeded[told.what], told.seq);
    if (told.kind === "state" && this.listens && !this.silent) this.self.state(told.state);
    if (told.kind === "nudge" && this.speaking) this.self.nudge();
  }

  /** Somebody speaks. */
  private heard(): void {
    this.silent = false;
    this.cancelSilence?.();
    this.cancelSilence = this.world.later(this.hold + SILENCE, () => {
      this.silent = true;
      this.awake();
    });
  }

  private tick(every: number): void {
    this.cancelTick?.();
    this.cancelTick = this.world.later(every, () => {
      this.pay(true);
      this.tick(every);
    });
  }

  private pay(heartbeat: boolean): void {
    const receipts = this.receipts;
    if (!receipts?.due(heartbeat, this.world.clock())) return;
    receipts.sending = true;
    void this.self.acknowledge().finally(() => (receipts.sending = false));
  }

  private stopTimers(): void {
    this.cancelSilence?.();
    this.cancelTick?.();
    this.cancelSilence = this.cancelTick = null;
  }

  private awake(): void {
    const wake = this.wake;
    this.wake = null;
    wake?.();
  }
}
