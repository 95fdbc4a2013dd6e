// The messages of one conversation and how one scrolls through them; it must not draw a message.
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { atEnd } from "../../app/attention";
import { target } from "../../app/jump";
import { serverNow } from "../../app/clock";
import { fetching, leavePast, loadEarlier, loadLater, outgoing, readers, settings, user } from "../../app/store";
import { active, unreadFrom } from "../../app/windows";
import { historyOf, isKept } from "../../state/keeping";
import { logItems } from "../../state/log";
import type { Line, Talk } from "../../state/model";
import { w } from "../../words";
import { Icon } from "../icons";
import { parts } from "../later";
import { Row } from "./Rows";
import { TalkAvatar } from "./TalkAvatar";

/** More rows than this are shown only once one scrolls up to them. */
const SHOWN = 160;
/** Nearer than this to an end, more is shown or fetched: pixels. */
const NEAR = 300;

const DAY = 86_400_000;

/** A row, and how far its upper edge is below that of the view. */
interface Anchor { row: string; top: number }

/** The first row that can be seen. */
function anchorOf(box: HTMLElement): Anchor | null {
  const rows = box.querySelectorAll<HTMLElement>("[data-row]");
  let [low, high] = [0, rows.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row && row.offsetTop + row.offsetHeight > box.scrollTop) high = middle;
    else low = middle + 1;
  }
  const first = rows[low];
  return first?.dataset["row"] ? { row: first.dataset["row"], top: first.offsetTop - box.scrollTop } : null;
}

/** The line before the first message: the beginning, or older messages that are not here any more. */
function Start({ talk, first, member }: { talk: Talk; first: Line | undefined; member: boolean }) {
  const kept = member && isKept(settings.value, talk);
  const days = talk.days ?? historyOf(settings.value).days;
  const text =
    kept && days > 0 && first && serverNow() - Date.parse(first.time) > (days - 1) * DAY ? w.talk.droppedAfter(days)
    : !kept && talk.dropped ? w.talk.dropped
    : talk.kind === "room" ? (member ? w.talk.startRoom : "")
    : member ? w.talk.start : "";
  // A guest who sees all there ever was needs no word.
  return text === "" ? null : <p class="line" data-testid="log-start">{text}</p>;
}

export function Log({ talk }: { talk: Talk }) {
  const box = useRef<HTMLDivElement>(null);
  const stick = useRef(true);
  const anchor = useRef<Anchor | null>(null);
  /** The end is not in sight. */
  const away = useSignal(false);
  const behind = useSignal(0);
  const limit = useSignal(SHOWN);
  const seen = useRef(talk.messages.at(-1)?.id);
  const past = talk.past;
  const { messages, more } = past ?? talk;
  const sending = past ? undefined : outgoing.value.get(talk.id);
  const from = unreadFrom.value.get(talk.id) ?? null;
  const items = useMemo(() => logItems(messages, sending ?? [], from, talk.gaps ?? []), [messages, sending, from, talk.gaps]);
  const visible = !past && items.length > limit.value ? items.slice(items.length - limit.value) : items;
  const firstKey = visible[0]?.key;
  const room = talk.kind === "room";
  const nick = talk.nick ?? "";
  const member = user.value?.guest === false;

  const lastOwn = outgoing.value.get(talk.id)?.at(-1)?.command;
  useLayoutEffect(() => {
    // What one says oneself is always in sight.
    if (!lastOwn) return;
    stick.current = true;
    away.value = false;
  }, [lastOwn]);

  const aim = target.value?.conversation === talk.id ? target.value : null;
  useLayoutEffect(() => {
    if (!aim) return;
    stick.current = false;
    away.value = true;
    readers.add(talk.id);
    const found = items.findIndex((item) => item.key === aim.message);
    limit.value = Math.max(limit.value, items.length - found + SHOWN / 2);
  }, [aim]);

  useLayoutEffect(() => {
    // The newest ones are looked at, whatever part was read before.
    if (stick.current && past) leavePast(talk.id);
  });

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const last = talk.messages.at(-1)?.id;
    if (stick.current) element.scrollTop = element.scrollHeight;
    else {
      if (last !== seen.current) behind.value += talk.messages.length - 1 - talk.messages.findIndex((one) => one.id === seen.current);
      // Rows were put in or taken away above: what one reads stays where it is.
      const kept = anchor.current;
      const row = kept && [...element.querySelectorAll<HTMLElement>("[data-row]")].find((one) => one.dataset["row"] === kept.row);
      if (kept && row) element.scrollTop = row.offsetTop - kept.top;
    }
    seen.current = last;
    if (!stick.current) anchor.current = anchorOf(element);
  }, [items, firstKey, talk.messages]);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || typeof ResizeObserver !== "function") return;
    const observer = new ResizeObserver(() => {
      if (stick.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    return () => observer.disconnect();
  }, []);
  useEffect(() => () => { readers.delete(talk.id); }, [talk.id]);
  useLayoutEffect(() => {
    const element = box.current;
    const row = aim && element?.querySelector<HTMLElement>(`[data-row="${CSS.escape(aim.message)}"]`);
    if (!element || !row) return;
    row.scrollIntoView({ block: "center" });
    // Where nothing moves no event says where one is.
    scrolled();
    row.animate([{ backgroundColor: "var(--found)" }, { backgroundColor: "var(--found)", offset: 0.6 }, { backgroundColor: "transparent" }], 2400);
    if (aim.focus) {
      row.tabIndex = -1;
      row.focus({ preventScroll: true });
    }
    target.value = null;
  }, [aim, visible]);

  /** Fetches what is missing at the end that one has come near to. */
  const fetchNear = () => {
    const element = box.current;
    if (!element || stick.current) return;
    if (element.scrollTop < NEAR) {
      if (!past && limit.value < items.length) limit.value += SHOWN;
      else void loadEarlier(talk.id);
    }
    if (past && element.scrollHeight - element.scrollTop - element.clientHeight < NEAR) void loadLater(talk.id);
  };
  const busy = fetching.value.get(talk.id);
  // One stands at the edge and cannot scroll: nothing else would ask for more.
  useEffect(() => { if (!busy) fetchNear(); }, [busy, items]);

  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    stick.current = !past && below < 40;
    away.value = !stick.current;
    anchor.current = stick.current ? null : anchorOf(element);
    if (stick.current) readers.delete(talk.id);
    else readers.add(talk.id);
    if (stick.current) behind.value = 0;
    if (active.peek() === talk.id) atEnd.value = stick.current;
    fetchNear();
  };
  useLayoutEffect(() => {
    const element = box.current;
    if (active.value === talk.id) atEnd.value = stick.current;
    // Too short to scroll: fetch what came before at once.
    if (element && element.scrollHeight <= element.clientHeight && more) void loadEarlier(talk.id);
  }, [active.value, more, messages.length]);

  const latest = () => {
    stick.current = true;
    away.value = false;
    behind.value = 0;
    limit.value = SHOWN;
    readers.delete(talk.id);
    if (past) return leavePast(talk.id);
    box.current?.scrollTo({ top: box.current.scrollHeight, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  };
  return (
    <div class="log-frame">
      <div class={room ? "log room-log" : "log"} ref={box} onScroll={scrolled} role="log" aria-live="off" aria-label={w.talk.log} tabIndex={0}>
        <div class="log-rows">
          {items.length === 0 && !more && (
            <div class="line hello"><TalkAvatar talk={talk} size={64} still /><p>{room ? w.talk.emptyRoom : w.talk.empty(talk.title)}</p></div>
          )}
          {items.length > 0 && !more && visible.length === items.length && <Start talk={talk} first={messages[0]} member={member} />}
          {visible.map((item) => <Row key={item.key} item={item} talk={talk.id} room={room} title={talk.title} nick={nick} />)}
        </div>
      </div>
      {parts.value && <parts.value.LogTools talk={talk} box={box} />}
      {busy === "before" && <p class="earlier" role="status" data-testid="earlier"><i class="spinner" />{w.talk.earlier}</p>}
      {(away.value || past) && (
        <button type="button" class="latest" onClick={latest} data-testid="jump-latest">
          <Icon name="down" size={16} />{behind.value > 0 ? w.talk.latestCount(behind.value) : w.talk.latest}
        </button>
      )}
    </div>
  );
}
