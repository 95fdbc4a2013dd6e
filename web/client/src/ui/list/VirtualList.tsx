// Draws only the rows in sight, with one tab stop and arrow keys; it must not know what a row means.
import { useSignal, type Signal } from "@preact/signals";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";
import type { Row } from "../../state/roster";
import { dragging, isDraggable } from "./drag";

const MARGIN = 8;

interface Props {
  rows: readonly Row[];
  /** The row that is Tab's one stop; the first while it is none of the rows. */
  currentKey: Signal<string | null>;
  heightOf(row: Row): number;
  draw(row: Row): ComponentChildren;
  onActivate(row: Row): void;
  onMenu(event: MouseEvent | KeyboardEvent | Element, row: Row): void;
  /** By a key: a place up or down. */
  onShift(row: Row, by: 1 | -1): void;
  label: string;
}

/** The index of the row that covers `y`. */
function rowAt(tops: Float64Array, y: number): number {
  let low = 0;
  let high = tops.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

export function VirtualList({ rows, currentKey, heightOf, draw, onActivate, onMenu, onShift, label }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const range = useSignal({ top: 0, height: 700 });
  const wantFocus = useRef(false);
  const touched = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  /** The finger that is on a row has opened its menu: it does no more. */
  const held = useRef(false);

  const tops = useMemo(() => {
    const out = new Float64Array(rows.length + 1);
    rows.forEach((row, at) => (out[at + 1] = (out[at] ?? 0) + heightOf(row)));
    return out;
  }, [rows, rows[1] && heightOf(rows[1])]);
  const total = tops[rows.length] ?? 0;

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => (range.value = { top: element.scrollTop, height: element.clientHeight });
    measure();
    if (typeof ResizeObserver !== "function") return;
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const currentAt = useMemo(() => Math.max(0, rows.findIndex((row) => row.key === currentKey.value)), [rows, currentKey.value]);
  useLayoutEffect(() => {
    // The list itself has it while it has no rows to give it to.
    if (!wantFocus.current && document.activeElement !== box.current) return;
    wantFocus.current = false;
    box.current?.querySelector<HTMLElement>("[tabindex='0']")?.focus({ preventScroll: true });
  });

  const go = (at: number) => {
    const to = Math.max(0, Math.min(rows.length - 1, at));
    const row = rows[to];
    const element = box.current;
    if (!row || !element) return;
    currentKey.value = row.key;
    wantFocus.current = true;
    const top = tops[to] ?? 0;
    const bottom = tops[to + 1] ?? 0;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (bottom > element.scrollTop + element.clientHeight) element.scrollTop = bottom - element.clientHeight;
    range.value = { top: element.scrollTop, height: element.clientHeight };
  };
  const key = (event: KeyboardEvent) => {
    const row = rows[currentAt];
    if (!row) return;
    const page = Math.max(1, Math.floor(range.value.height / 46) - 1);
    const to = { ArrowDown: currentAt + 1, ArrowUp: currentAt - 1, PageDown: currentAt + page, PageUp: currentAt - page, Home: 0, End: rows.length - 1 }[event.key];
    if (to !== undefined && !event.altKey) {
      event.preventDefault();
      go(to);
    } else if (event.altKey && event.shiftKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      event.stopPropagation();
      onShift(row, event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      onActivate(row);
    } else if (event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      event.preventDefault();
      onMenu((event.target as Element).closest(".vrow") ?? (event.target as Element), row);
    } else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && row.kind === "section") {
      if (row.collapsed === (event.key === "ArrowRight")) onActivate(row);
    }
  };
  const start = Math.max(0, rowAt(tops, range.value.top) - MARGIN);
  const end = Math.min(rows.length, rowAt(tops, range.value.top + range.value.height) + 1 + MARGIN);
  const drawn: number[] = [];
  for (let at = start; at < end; at++) drawn.push(at);
  // The row with the focus stays in the page while it is out of sight.
  if (rows.length > 0 && (currentAt < start || currentAt >= end)) drawn.push(currentAt);

  return (
    <div class="vlist" ref={box} role="tree" aria-label={label} tabIndex={-1} onScroll={() => { if (box.current) range.value = { top: box.current.scrollTop, height: box.current.clientHeight }; }} onKeyDown={key}>
      <div class="vspace" style={{ height: `${total}px` }}>
        {drawn.map((at) => {
          const row = rows[at];
          if (!row) return null;
          const section = row.kind === "section";
          return (
            <div
              key={row.key}
              class={`vrow vrow-${row.kind}`}
              role="treeitem"
              aria-level={section ? 1 : 2}
              aria-expanded={section ? !row.collapsed : undefined}
              aria-setsize={rows.length}
              aria-posinset={at + 1}
              tabIndex={at === currentAt ? 0 : -1}
              style={{ transform: `translateY(${tops[at] ?? 0}px)`, height: `${heightOf(row)}px` }}
              draggable={isDraggable(row)}
              {...handle(row)}
              {...(section ? { "data-testid": "group", "data-name": row.name } : {})}
              onClick={() => { if (held.current) return; currentKey.value = row.key; onActivate(row); }}
              onContextMenu={(event) => { clearTimeout(touched.current); held.current = true; currentKey.value = row.key; onMenu(event, row); }}
              {...dragging(row)}
              onFocus={() => { currentKey.value = row.key; }}
              onPointerDown={(event) => {
                held.current = false;
                if (event.pointerType !== "touch") return;
                // A long press is the menu on screens without a second button.
                const element = event.currentTarget;
                clearTimeout(touched.current);
                touched.current = setTimeout(() => { held.current = true; onMenu(element, row); }, 550);
              }}
              onPointerUp={() => clearTimeout(touched.current)}
              onPointerCancel={() => clearTimeout(touched.current)}
            >
              {draw(row)}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** What a row is for tests. */
function handle(row: Row) {
  const person = row.kind === "person" ? row.person : row.kind === "talk" ? row.person : undefined;
  if (person) return { "data-testid": "buddy", "data-name": person.best.name, "data-status": person.best.status, "data-presence": person.presence, "data-buddy": person.best.id, "data-group": person.group };
  if (row.kind === "mark") return { "data-testid": "mark", "data-name": row.mark.name };
  return row.kind === "talk" ? { "data-testid": "list-conversation", "data-name": row.talk.name } : {};
}
