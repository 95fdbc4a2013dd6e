// What the search place looks for and has found; it stays while the place is closed. It must not draw.
import { batch, effect, signal } from "@preact/signals";
import { search } from "../net";
import { CommandError } from "../net";
import { queryOf, type Asked } from "../state/hits";
import type { SearchHit } from "../wire/types";
import { command, onEvents, tell } from "./store";

/** What is typed and chosen. */
export const asked = signal<Asked>({ q: "" });
/** Newest first. */
export const hits = signal<readonly SearchHit[]>([]);
export const more = signal(false);
export const busy = signal(false);
export const failed = signal<unknown>(null);
/** The place is open: new messages that match are shown as they are said. */
export const live = signal(false);

/** Milliseconds after the last key press. */
const CALM = 160;
const PAGE = 30;
/** So many are held at most: who wants older ones asks more exactly. */
const MOST = 600;

const keyOf = (hit: SearchHit): string => `${hit.conversation} ${hit.message.id}`;

let running: AbortController | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

async function fetchPage(before?: string): Promise<void> {
  running?.abort();
  const control = new AbortController();
  running = control;
  busy.value = true;
  try {
    const answer = await search({ ...queryOf(asked.peek()), ...(before ? { before } : {}) }, PAGE, control.signal);
    if (running !== control) return;
    batch(() => {
      const known = new Set(before ? hits.value.map(keyOf) : []);
      hits.value = before ? [...hits.value, ...answer.hits.filter((hit) => !known.has(keyOf(hit)))] : answer.hits;
      more.value = answer.more && hits.value.length < MOST;
      failed.value = null;
    });
  } catch (cause) {
    if (running !== control) return;
    batch(() => {
      failed.value = cause;
      if (!before) {
        hits.value = [];
        more.value = false;
      }
    });
  } finally {
    if (running === control) {
      running = null;
      busy.value = false;
    }
  }
}
