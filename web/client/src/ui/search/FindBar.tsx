// The bar above a conversation that searches in it: from hit to hit, newest first; it must not show other conversations.
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { dropJump, jumpTo, searching } from "../../app/jump";
import { focusRequest } from "../../app/windows";
import { search } from "../../net";
import type { Talk } from "../../state/model";
import type { Hit as SearchHit } from "../../wire/types";
import { errorText, w } from "../../words";
import { m } from "../../words/later";
import { Icon } from "../icons";
import { composing } from "../keys";

const CALM = 160;
const PAGE = 50;

interface Results { q: string; hits: readonly SearchHit[]; next: string | null; at: number }
const NONE: Results = { q: "", hits: [], next: null, at: -1 };

function Bar({ talk }: { talk: Talk }) {
  const q = useSignal(searching.peek()?.words ?? "");
  const write = (words: string) => {
    q.value = words;
    if (searching.value) Object.assign(searching.value, { words, hit: null });
  };
  const found = useSignal<Results>(NONE);
  const failed = useSignal<unknown>(null);
  /** The hit that one is at is not there any more. */
  const gone = useSignal(false);
  const box = useRef<HTMLInputElement>(null);
  const running = useRef<AbortController | null>(null);

  const page = async (wanted: string, before: string | null, rounds = 0): Promise<void> => {
    running.current?.abort();
    const control = (running.current = new AbortController());
    try {
      const answer = await search({ q: wanted, conversation: talk.id, ...(before ? { before } : {}) }, PAGE, control.signal);
      if (running.current !== control) return;
      const old = before ? found.value : NONE;
      const hits = [...old.hits, ...answer.hits];
      failed.value = null;
      found.value = { q: wanted, hits, next: answer.more ? (answer.next ?? null) : null, at: hits.length > 0 ? Math.max(0, old.at) : -1 };
      if (old.hits.length === 0) go(Math.max(0, hits.findIndex((hit) => hit.message.id === searching.peek()?.hit)));
    } catch (cause) {
      if (running.current !== control) return;
      failed.value = cause;
      if (!before) found.value = NONE;
    } finally {
      if (running.current === control) running.current = null;
    }
    // A page may have few hits, or none, though older ones follow.
    const { next, at, hits } = found.value;
    if (rounds < 5 && running.current === null && failed.value === null && next !== null && at >= hits.length - 3) void page(wanted, next, rounds + 1);
  };
  const go = (to: number): void => {
    const { hits, next } = found.value;
    const hit = hits[to];
    if (!hit) return;
    found.value = { ...found.value, at: to };
    if (searching.value) searching.value.hit = hit.message.id;
    jumpTo(talk.id, hit.message.id, false).then((there) => (gone.value = !there), (cause: unknown) => (failed.value = cause));
    if (next !== null && to >= hits.length - 3 && running.current === null) void page(found.value.q, next);
  };
  const wanted = q.value.trim();
  useEffect(() => {
    running.current?.abort();
    running.current = null;
    if (wanted === "") {
      found.value = NONE;
      failed.value = null;
      return;
    }
    const timer = setTimeout(() => void page(wanted, null), CALM);
    return () => clearTimeout(timer);
  }, [wanted]);
  useEffect(() => () => {
    running.current?.abort();
    dropJump();
  }, []);
  // Asked for once more, what is written is written over.
  useLayoutEffect(() => {
    box.current?.focus();
    box.current?.select();
  }, [searching.value?.asked]);
  const leave = () => {
    dropJump();
    searching.value = null;
    focusRequest.value++;
  };
  const key = (event: KeyboardEvent) => {
    if (composing(event)) return;
    const { at } = found.value;
    const run: Record<string, () => void> = {
      Enter: () => go(event.shiftKey ? at - 1 : at + 1),
      ArrowUp: () => go(at + 1),
      ArrowDown: () => go(at - 1),
      Escape: leave,
    };
    const act = run[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  const { hits, at, next } = found.value;
  const done = wanted !== "" && found.value.q === wanted;
  const said = failed.value !== null ? errorText(failed.value) : gone.value ? m.search.gone : wanted === "" ? "" : hits.length > 0 ? m.search.position(at + 1, hits.length, next !== null) : done ? m.search.noneHere : "";
  return (
    <div class="find-bar" role="search" aria-label={m.search.here(talk.title)} data-testid="find-bar">
      <Icon name="search" size={16} />
      <input ref={box} type="search" dir="auto" value={q.value} placeholder={m.search.here(talk.title)} aria-label={m.search.here(talk.title)} data-testid="find-box" onInput={(event) => write(event.currentTarget.value)} onKeyDown={key} />
      <small role="status" data-testid="find-count">{said}</small>
      <button type="button" class="tool small" aria-label={m.search.olderHit} title={m.search.olderHit} disabled={at + 1 >= hits.length} data-testid="find-older" onClick={() => go(at + 1)}><Icon name="up" size={16} /></button>
      <button type="button" class="tool small" aria-label={m.search.newerHit} title={m.search.newerHit} disabled={at <= 0} data-testid="find-newer" onClick={() => go(at - 1)}><Icon name="down" size={16} /></button>
      <button type="button" class="tool small" aria-label={w.close} title={w.close} data-testid="find-close" onClick={leave}><Icon name="close" size={15} /></button>
    </div>
  );
}

export function FindBar({ talk }: { talk: Talk }) {
  return searching.value?.conversation === talk.id ? <Bar key={talk.id} talk={talk} /> : null;
}
