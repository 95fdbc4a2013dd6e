// Query and hits of the search place, which stay while the place is closed; it must not draw.
import { batch, effect, signal } from "@preact/signals";
import { search } from "../net";
import { queryOf, sameAsked, type Asked } from "../state/hits";
import type { Hit, SavedSearch, WireEvent } from "../wire/types";
import { command, model, onAttached, onEvents, searches, tell } from "./store";

/** The query, as it is typed and chosen. */
export const asked = signal<Asked>({ q: "" });
/** Newest first. */
export const hits = signal<readonly Hit[]>([]);
export const more = signal(false);
/** Older messages are still being made ready to be found. */
export const partial = signal(false);
export const busy = signal(false);
export const failed = signal<unknown>(null);
/** Hits that came while the place was open. */
export const freshHits = signal<ReadonlySet<string>>(new Set());

/** Milliseconds after the last key press. */
const CALM = 160;
const PAGE = 30;
/** Hits that are held at most: older ones are found by a query that says more. */
const MOST = 600;

export const keyOf = (hit: Hit): string => `${hit.conversation} ${hit.message.id}`;

let running: AbortController | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let next: string | undefined;
let open = false;
/** The search that waits for new messages: what it asks, and its id once the daemon has told it. */
let live: { asked: Asked; id: string | null } | null = null;
/** Hits that came by events since the search began: the answer may be older than they are. */
let arrived: readonly Hit[] = [];
/** Events that came before the daemon had told the id of the search. */
let early: WireEvent[] = [];
/** Early events that are held at most. */
const EARLY = 100;

async function page(before?: string): Promise<void> {
  running?.abort();
  const control = new AbortController();
  running = control;
  busy.value = true;
  try {
    const answer = await search({ ...queryOf(asked.peek()), ...(before ? { before } : {}) }, PAGE, control.signal);
    if (running !== control) return;
    batch(() => {
      const known = new Set((before ? hits.value : answer.hits).map(keyOf));
      if (before) {
        hits.value = [...hits.value, ...answer.hits.filter((hit) => !known.has(keyOf(hit)))];
      } else {
        const late = arrived.filter((hit) => !known.has(keyOf(hit)));
        hits.value = [...late, ...answer.hits];
        freshHits.value = new Set(late.map(keyOf));
      }
      next = (answer.more && answer.next) || undefined;
      more.value = next !== undefined && hits.value.length < MOST;
      partial.value = answer.partial === true;
      failed.value = null;
    });
  } catch (cause) {
    if (running !== control) return;
    batch(() => {
      failed.value = cause;
      if (!before) {
        hits.value = [];
        next = undefined;
      }
      more.value = before !== undefined;
    });
  } finally {
    if (running === control) {
      running = null;
      busy.value = false;
    }
  }
}

/** The next page of older ones. */
export async function older(): Promise<void> {
  // A page may be empty though older ones follow: a search looks at so many messages at a time.
  if (busy.peek()) return;
  failed.value = null;
  const [before, now] = [hits.value.length, asked.peek()];
  for (let rounds = 0; rounds < 5 && next !== undefined && hits.value.length === before && asked.peek() === now && failed.peek() === null; rounds++) await page(next);
}

/** Takes what is asked now, and looks for it once nothing is typed for a moment. */
export function ask(now: Asked): void {
  asked.value = now;
  clearTimeout(timer);
  running?.abort();
  running = null;
  if (now.q.trim() === "") {
    batch(() => {
      hits.value = [];
      more.value = false;
      failed.value = null;
      busy.value = false;
    });
    return rest();
  }
  busy.value = true;
  timer = setTimeout(begin, CALM);
}

function begin(): void {
  // New ones come by events from here on; what was said before is in the answer.
  arrived = [];
  listen();
  void page().then(() => (hits.peek().length === 0 ? older() : undefined));
}

function listen(): void {
  const now = asked.peek();
  if (!open || now.q.trim() === "" || (live && sameAsked(live.asked, now))) return;
  rest();
  const mine = { asked: now, id: null as string | null };
  live = mine;
  early = [];
  command<{ search: string }>("search.open", queryOf(now)).then(
    ({ search: id }) => {
      if (live !== mine) return tell("search.close", { search: id });
      mine.id = id;
      for (const event of early.splice(0)) take(event);
    },
    () => {
      if (live === mine) live = null;
    },
  );
}

function rest(): void {
  if (live?.id) tell("search.close", { search: live.id });
  live = null;
}

/** The place is opened: what was found last is looked for anew. */
export function openSearch(): void {
  open = true;
  if (asked.peek().q.trim() !== "") begin();
}

export function leaveSearch(): void {
  open = false;
  rest();
  freshHits.value = new Set();
}

function take(event: WireEvent): void {
  if (event["search"] !== live?.id) return;
  const hit = event as unknown as Hit;
  const key = keyOf(hit);
  const others = (list: readonly Hit[]) => list.filter((one) => keyOf(one) !== key);
  arrived = [hit, ...others(arrived)].slice(0, MOST);
  batch(() => {
    hits.value = [hit, ...others(hits.value)].slice(0, MOST);
    freshHits.value = new Set(freshHits.value).add(key);
    failed.value = null;
  });
}

onEvents((events) => {
  for (const event of events) {
    if (event.type !== "search.hit" || !live) continue;
    if (live.id !== null) take(event);
    else if (early.length < EARLY) early.push(event);
  }
});
// A sign-out ends the search: query and hits are not for the next user of this screen.
effect(() => {
  if (model.value !== null) return;
  live = null;
  next = undefined;
  open = false;
  ask({ q: "" });
  batch(() => {
    partial.value = false;
    freshHits.value = new Set();
  });
});
onAttached(() => {
  // A tab that attaches anew has no open searches.
  live = null;
  if (open && asked.peek().q.trim() !== "") begin();
});

/** The saved search that asks what is asked now. */
export const savedAs = (now: Asked): SavedSearch | undefined => [...searches.value.values()].find((one) => sameAsked(one, now));

export const save = (): Promise<unknown> => command("search.save", queryOf(asked.peek()));
export const forget = (id: string): Promise<unknown> => command("search.remove", { search: id });
/** Marks the new hits of a saved search as seen. */
export function seen(one: SavedSearch): void {
  if (one.new > 0) tell("search.seen", { search: one.id }, `seen ${one.id}`);
}
