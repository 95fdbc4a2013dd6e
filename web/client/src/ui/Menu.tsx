// The one menu that may be open, with keys and focus; it must not know what its items do.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { begunBefore } from "../app/press";
import { w } from "../words";
import { Icon, type IconName } from "./icons";

/** Each entry has an icon, or a `mark` in its place: a picture, a state. */
export type Item =
  | { kind?: "item"; label: string; icon?: IconName; mark?: ComponentChildren; checked?: boolean; danger?: boolean; disabled?: boolean; hint?: string; testid?: string; run(): void }
  | { kind: "line" }
  | { kind: "head"; label: string }
  | { kind: "wait"; label: string };

interface Open { items: Item[]; x: number; y: number; from: Element | null; alignRight: boolean; key: string }

const open = signal<Open | null>(null);
/** Presses that began before this are not meant for its items: the one that opened it, and one at what has moved since. */
let since = 0;
/** Who presses sooner after a move meant what was there before. */
const NOTICED = 400;

export function closeMenu(): void {
  const was = open.value;
  open.value = null;
  if (was?.from instanceof HTMLElement && was.from.isConnected) was.from.focus();
}

/** Opens at the pointer, or below the element that asked; once its entries are there. */
export function openMenu(at: MouseEvent | KeyboardEvent | Element, items: Item[] | Promise<Item[]>, key = ""): void {
  const element = at instanceof Element ? at : (at.currentTarget as Element | null);
  if (!(at instanceof Element)) at.preventDefault();
  const pointed = at instanceof MouseEvent && at.type === "contextmenu" && at.clientX > 0;
  const box = element?.getBoundingClientRect();
  const right = !pointed && !!box && box.left + 220 > innerWidth;
  const place = {
    key,
    from: document.activeElement instanceof HTMLElement && document.activeElement !== document.body ? document.activeElement : element,
    x: pointed ? at.clientX : right ? (box?.right ?? 0) : (box?.left ?? 0),
    y: pointed ? at.clientY : (box?.bottom ?? 0) + 4,
    alignRight: right,
  };
  const show = (all: Item[]) => {
    since = performance.now();
    open.value = { items: all, ...place };
  };
  // The fetch of the items reports its own failure.
  if (items instanceof Promise) items.then(show, () => undefined);
  else show(items);
}

/** Replaces the items of the open menu (more of them arrived). */
export function extendMenu(key: string, change: (items: Item[]) => Item[]): void {
  if (open.value?.key === key) open.value = { ...open.value, items: change(open.value.items) };
}

function Entry({ item }: { item: Item }) {
  if (item.kind === "line") return <hr />;
  if (item.kind === "head") return <div class="menu-head" dir="auto">{item.label}</div>;
  if (item.kind === "wait") return <div class="menu-head">{item.label}</div>;
  const run = () => {
    if (begunBefore(since)) return;
    closeMenu();
    item.run();
  };
  return (
    <button type="button" role={item.checked === undefined ? "menuitem" : "menuitemradio"} aria-checked={item.checked} tabIndex={-1} disabled={item.disabled} class={item.danger ? "danger" : ""} onClick={run} data-testid={item.testid}>
      <span class="menu-icon">{item.mark ?? <Icon name={item.icon ?? "more"} size={16} />}</span>
      <span class="menu-label" dir="auto">{item.label}</span>
      {item.hint && <small>{item.hint}</small>}
      {item.checked && <span class="menu-check"><Icon name="check" size={15} /></span>}
    </button>
  );
}

function titleOf(items: readonly Item[]): string {
  const [first] = items;
  return first?.kind === "head" ? first.label : w.menu.main;
}

export function MenuHost() {
  const menu = open.value;
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const box = ref.current;
    if (!box || !menu) return;
    // In the top layer, so that a menu opened from a dialog lies above it.
    if (box.showPopover && !box.matches(":popover-open")) box.showPopover();
    if (!box.contains(document.activeElement)) box.querySelector<HTMLElement>("button:not(:disabled)")?.focus();
    // As laid out: it is still growing to that size.
    const { offsetWidth: width, offsetHeight: height } = box;
    const x = menu.alignRight ? menu.x - width : menu.x;
    box.style.left = `${Math.max(6, Math.min(x, innerWidth - width - 6))}px`;
    const top = `${menu.y + height > innerHeight - 6 ? Math.max(6, innerHeight - height - 6) : menu.y}px`;
    const moves = box.style.top !== "" && box.style.top !== top;
    box.style.top = top;
    box.dataset["ready"] = String(!moves);
    if (!moves) return;
    since = performance.now() + NOTICED;
    const timer = setTimeout(() => (box.dataset["ready"] = "true"), NOTICED);
    return () => clearTimeout(timer);
  }, [menu]);
  useEffect(() => {
    if (!menu) return;
    const away = (event: Event) => {
      if (!ref.current?.contains(event.target as Node)) open.value = null;
    };
    const gone = () => (open.value = null);
    addEventListener("pointerdown", away, true);
    addEventListener("resize", gone);
    return () => {
      removeEventListener("pointerdown", away, true);
      removeEventListener("resize", gone);
    };
  }, [menu !== null]);
  if (!menu) return null;
  const key = (event: KeyboardEvent) => {
    const all = [...(ref.current?.querySelectorAll<HTMLElement>("button:not(:disabled)") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = event.key === "ArrowDown" ? at + 1 : event.key === "ArrowUp" ? at - 1 : event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : null;
    if (to !== null) {
      event.preventDefault();
      all[(to + all.length) % all.length]?.focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      closeMenu();
    } else if (event.key.length === 1 && event.key !== " ") {
      const letter = event.key.toLowerCase();
      all.find((one, i) => i > at && one.textContent?.trim().toLowerCase().startsWith(letter))?.focus();
    }
    event.stopPropagation();
  };
  return (
    <section aria-label={w.menu.main}>
      <div class="menu" role="menu" aria-label={titleOf(menu.items)} popover="manual" ref={ref} onKeyDown={key}>
        {menu.items.map((item, at) => <Entry key={at} item={item} />)}
      </div>
    </section>
  );
}
