// Reads streams and finds out whether any get through; it must not decide when to use one, nor keep anything beyond it.
import type { StreamEnd, WireEvent } from "../wire/types";
import { type Block, Blocks, Lines } from "./blocks";
import { CallError } from "./http";

/** Time for the first heartbeat, from asking. Milliseconds, like all below. */
const FIRST = 3000;
/** Heartbeats that may be missing before a stream counts as broken. */
const SILENCE = 2.5;

/** Within this a probe is over, and its lines have come with so much between each and the one before; the daemon leaves 0, 300 and 1700. */
const PROBE = 5000;
const GAPS = [0, 100, 1000];

/** A body as it comes. */
export interface Reader {
  /** The next bytes; null at the end. Fails when its request is aborted or breaks. */
  read(): Promise<Uint8Array | null>;
}

export interface StreamWorld {
  /** Asks, and gives the body when the answer is a stream. Throws CallError. */
  open(signal: AbortSignal): Promise<Reader>;
  clock(): number;
  later(ms: number, run: () => void): () => void;
}

/** What one read brought, and why the stream ends, if it does. */
export interface Part extends StreamEnd {
  events: WireEvent[];
  heartbeat: boolean;
  bytes: number;
}

/** A stream that broke off, or never came. */
export class StreamError extends Error {
  /** The next one would not fare better: refused, or held up on its way. */
  readonly hopeless: boolean;

  constructor(what: string, hopeless: boolean) {
    super(what);
    this.hopeless = hopeless;
  }
}

/**
 * The parts of one stream, up to the one that says why it ends. Whoever leaves early ends it, as does aborting `control`.
 * Throws StreamError, and CallError when the session is over (401).
 */
export async function* parts(world: StreamWorld, heartbeat: number, control: AbortController): AsyncGenerator<Part, void, void> {
  const blocks = new Blocks();
  let begun = false;
  let late = false;
  let cancel = world.later(FIRST, () => {
    late = true;
    control.abort();
  });
  try {
    const reader = await world.open(control.signal);
    for (;;) {
      const bytes = await reader.read();
      if (!bytes) throw new StreamError("the stream was cut off", false);
      const part = partOf(blocks.push(bytes), bytes.length);
      begun ||= part.heartbeat;
      if (begun) {
        cancel();
        cancel = world.later(SILENCE * heartbeat, () => control.abort());
      }
      yield part;
      if (part.end || part.reset) return;
    }
  } catch (cause) {
    if (cause instanceof CallError && cause.status === 401) throw cause;
    throw new StreamError(String(cause), late || (cause instanceof CallError && cause.status > 0));
  } finally {
    cancel();
    control.abort();
  }
}

function partOf(blocks: Block[], bytes: number): Part {
  const part: Part = { events: [], heartbeat: false, bytes };
  for (const { event, data } of blocks) {
    if (event === "heartbeat") part.heartbeat = true;
    if (event === "message") part.events.push(JSON.parse(data) as WireEvent);
    if (event === "end" || event === "reset") return { ...(JSON.parse(data) as StreamEnd), ...part };
  }
  return part;
}

/** Whether a probe's lines come when they were sent. One that is refused or breaks says no. */
export async function unbuffered(world: StreamWorld, control: AbortController): Promise<boolean> {
  const cancel = world.later(PROBE, () => control.abort());
  const lines = new Lines();
  const began = world.clock();
  let seen = 0;
  let last = began;
  try {
    const reader = await world.open(control.signal);
    for (;;) {
      const bytes = await reader.read();
      if (!bytes) return false;
      const now = world.clock();
      for (const line of lines.push(bytes)) {
        if (line === "") continue;
        if (now - last < (GAPS[seen] ?? 0) || now - began > PROBE) return false;
        last = now;
        if (++seen === GAPS.length) return true;
      }
    }
  } catch {
    return false;
  } finally {
    cancel();
    control.abort();
  }
}
