// The drafts of a tab's boxes and what other browsers have of them; it must not know settings, storage or timers but by its world.
import { NOTHING, readDraft, reconcile, type Draft } from "./draft";

/** So long nothing is typed before the others are told; milliseconds. */
const STILL = 1000;
/** So many words to the others are remembered until they come back. */
const MOST_TOLD = 8;

export interface DraftsWorld {
  /** What this tab keeps over a reload. */
  read(id: string): string | null;
  keep(id: string, text: string | null): void;
  /** What all browsers have. */
  elsewhere(id: string): Draft;
  /** Whether there is anybody to tell: guests have one browser. */
  shares(): boolean;
  tell(id: string, draft: Draft | null): void;
  /** Another text that somebody began. */
  offer(id: string, text: string): void;
  /** By the server's clock. */
  now(): number;
  later(ms: number, run: () => void): () => void;
}

/** A draft of this tab. */
interface Own extends Draft {
  /** What others were last known to have. */
  known: string;
  /** What they were told since, the latest last: it has not come back yet. */
  told: string[];
}

export class Drafts {
  private readonly own = new Map<string, Own>();
  private readonly waits = new Map<string, () => void>();
  private readonly world: DraftsWorld;

  constructor(world: DraftsWorld) {
    this.world = world;
  }

  /** What a box begins with. */
  begin(id: string): string {
    const here = this.hear(id);
    // What a page told that is gone was taken by now, or never will be.
    this.write(id, { ...here, told: [] });
    if (here.text !== here.known) this.wait(id);
    return here.text;
  }

  /** What others have may have changed while a box shows something. What it is to show, or null to leave it. */
  follow(id: string): string | null {
    const { text } = this.read(id);
    const now = this.hear(id).text;
    return now === text ? null : now;
  }

  /** The box has this text now. */
  typed(id: string, text: string): void {
    const old = this.read(id);
    const at = Math.round(this.world.now());
    const line = old.text === "" || old.line === "" ? `${at.toString(36)}.${Math.random().toString(36).slice(2, 8)}` : old.line;
    this.write(id, { ...old, text, at, line });
    this.wait(id);
  }

  /** Sent. */
  done(id: string): void {
    this.write(id, { ...this.read(id), ...NOTHING });
    this.flush(id);
  }

  /** Tells the others now what they do not have yet. */
  flush(id: string): void {
    this.waits.get(id)?.();
    this.waits.delete(id);
    const draft = this.read(id);
    if (!this.world.shares() || draft.text === (draft.told.at(-1) ?? draft.known)) return;
    this.write(id, { ...draft, told: [...draft.told.slice(-MOST_TOLD), draft.text] });
    this.world.tell(id, draft.text === "" ? null : { text: draft.text, at: draft.at, line: draft.line });
  }

  flushAll(): void {
    for (const id of [...this.waits.keys()]) this.flush(id);
  }

  forget(): void {
    for (const cancel of this.waits.values()) cancel();
    for (const id of this.own.keys()) this.world.keep(id, null);
    this.waits.clear();
    this.own.clear();
  }

  /** Looks at what others have. */
  private hear(id: string): Own {
    const here = this.read(id);
    const other = this.world.elsewhere(id);
    if (other.text === here.known) return here;
    const echo = here.told.lastIndexOf(other.text);
    if (echo >= 0) return this.write(id, { ...here, known: other.text, told: here.told.slice(echo + 1) });
    const { show, offer } = reconcile(here, other, here.known);
    if (offer !== null) this.world.offer(id, offer);
    const next = this.write(id, { ...show, known: other.text, told: [] });
    if (next.text !== next.known) this.wait(id);
    return next;
  }

  private wait(id: string): void {
    this.waits.get(id)?.();
    this.waits.set(id, this.world.later(STILL, () => this.flush(id)));
  }

  private read(id: string): Own {
    const held = this.own.get(id);
    if (held) return held;
    try {
      const value = JSON.parse(this.world.read(id) ?? "null") as { known?: unknown; told?: unknown } | null;
      const told = Array.isArray(value?.told) ? value.told.filter((one) => typeof one === "string") : [];
      return { ...readDraft(value), known: typeof value?.known === "string" ? value.known : "", told };
    } catch {
      return { ...NOTHING, known: "", told: [] };
    }
  }

  private write(id: string, draft: Own): Own {
    this.own.set(id, draft);
    const empty = draft.text === "" && draft.known === "" && draft.told.length === 0;
    this.world.keep(id, empty ? null : JSON.stringify(draft));
    return draft;
  }
}
