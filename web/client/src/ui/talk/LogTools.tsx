// Opens a message's menu: by the button on the pointed row, the second mouse button, a long press or keys. Does not know the entries (see messageMenu.tsx).
import { useSignal, type Signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Talk } from "../../state/model";
import { m } from "../../words/later";
import { Icon } from "../icons";
import { boxOf } from "./box";
import { Drawn } from "./drawn";
import { messageMenu, quote } from "./messageMenu";
import { saidOf } from "./said";

/** Milliseconds after which a touch is a long press. */
const LONG = 500;
/** Pixels that a long press may move at most. */
const FAR = 10;

const ROW = "[data-testid=message]";
const rowOf = (target: EventTarget | null): HTMLElement | null => (target instanceof Element ? target.closest<HTMLElement>(ROW) : null);

/** Listens to one log. */
class Ways {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private at = { x: 0, y: 0 };
  /** The touch that is under way has opened a menu. */
  private held = false;
  private readonly log: HTMLElement;
  private readonly talk: () => string;
  private readonly pointed: Signal<HTMLElement | null>;

  constructor(log: HTMLElement, talk: () => string, pointed: Signal<HTMLElement | null>) {
    this.log = log;
    this.talk = talk;
    this.pointed = pointed;
  }

  readonly on: readonly [string, (event: never) => void, boolean][] = [
    ["contextmenu", (event: MouseEvent) => {
      const row = rowOf(event.target);
      // With Shift the browser's own menu comes.
      if (!row || event.shiftKey) return;
      event.preventDefault();
      clearTimeout(this.timer);
      // A long touch comes here, too, in some browsers.
      if (this.held) return;
      messageMenu(event.button === 2 ? event : row, this.talk(), row);
    }, false],
    ["pointerover", (event: PointerEvent) => {
      if (event.pointerType === "mouse") this.pointed.value = rowOf(event.target);
    }, false],
    ["scroll", () => {
      this.pointed.value = null;
      clearTimeout(this.timer);
    }, false],
    ["pointerdown", (event: PointerEvent) => {
      clearTimeout(this.timer);
      this.held = false;
      const row = rowOf(event.target);
      if (event.pointerType === "mouse" || !row || (event.target instanceof Element && event.target.closest("button"))) return;
      this.at = { x: event.clientX, y: event.clientY };
      this.timer = setTimeout(() => {
        this.held = true;
        navigator.vibrate?.(12);
        messageMenu(row, this.talk(), row);
      }, LONG);
    }, false],
    ["pointermove", (event: PointerEvent) => {
      if (Math.hypot(event.clientX - this.at.x, event.clientY - this.at.y) > FAR) clearTimeout(this.timer);
    }, false],
    ["pointerup", () => clearTimeout(this.timer), false],
    ["pointercancel", () => clearTimeout(this.timer), false],
    ["click", (event: MouseEvent) => {
      // The link below the finger was not meant.
      if (!this.held) return;
      this.held = false;
      event.preventDefault();
      event.stopPropagation();
    }, true],
    ["keydown", (event: KeyboardEvent) => this.key(event), false],
  ];

  private go(row: HTMLElement | undefined): void {
    if (!row) return;
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }

  /** The lowest row in view. */
  private lastSeen(all: readonly HTMLElement[]): HTMLElement | undefined {
    const { bottom } = this.log.getBoundingClientRect();
    return [...all].reverse().find((row) => row.getBoundingClientRect().top < bottom - 6);
  }

  private key(event: KeyboardEvent): void {
    const own = event.target instanceof HTMLElement && event.target.matches(ROW) ? event.target : null;
    if ((event.target !== this.log && !own) || event.ctrlKey || event.altKey || event.metaKey) return;
    const all = [...this.log.querySelectorAll<HTMLElement>(ROW)];
    const at = own ? all.indexOf(own) : -1;
    const opens = event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey) || event.key === "Enter";
    if (own && opens) {
      event.preventDefault();
      messageMenu(own, this.talk(), own);
    } else if (event.shiftKey) {
      return;
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      this.go(!own ? this.lastSeen(all) : all[event.key === "ArrowUp" ? Math.max(0, at - 1) : Math.min(all.length - 1, at + 1)]);
    } else if (own && event.key === "Escape") {
      event.preventDefault();
      boxOf(this.talk())?.focus();
    }
  }
}

export function LogTools({ talk, box }: { talk: Talk; box: RefObject<HTMLElement | null> }) {
  const pointed = useSignal<HTMLElement | null>(null);
  const id = useRef(talk.id);
  id.current = talk.id;
  const tools = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const log = box.current;
    if (!log) return;
    const ways = new Ways(log, () => id.current, pointed);
    for (const [kind, run, capture] of ways.on) log.addEventListener(kind, run as EventListener, { capture });
    const frame = log.parentElement;
    const leave = () => (pointed.value = null);
    frame?.addEventListener("pointerleave", leave);
    return () => {
      for (const [kind, run, capture] of ways.on) log.removeEventListener(kind, run as EventListener, { capture });
      frame?.removeEventListener("pointerleave", leave);
    };
  }, []);
  const row = pointed.value;
  const shown = row?.isConnected ? row : null;
  useLayoutEffect(() => {
    const element = tools.current;
    const frame = element?.parentElement?.getBoundingClientRect();
    if (!element || !frame || !shown) return;
    const bubble = shown.querySelector(".bubble");
    const { offsetWidth: width, offsetHeight: height } = element;
    const at = (bubble ?? shown).getBoundingClientRect();
    const mine = shown.classList.contains("mine");
    // In a room at the end of the line, before the time; else over the upper edge of the bubble, at its inner end.
    const left = !bubble ? at.right - width - 62 : mine ? at.left - 10 : at.right - width + 10;
    const top = !bubble ? at.top + Math.min(0, (20 - height) / 2) : at.top - height + 11;
    element.style.left = `${Math.max(4, Math.min(left - frame.left, frame.width - width - 4))}px`;
    element.style.top = `${Math.max(2, top - frame.top)}px`;
  }, [shown]);
  if (!shown) return null;
  return (
    <div class="row-tools" ref={tools} data-testid="message-tools">
      <button type="button" class="tool small" tabIndex={-1} aria-label={m.message.quote} title={m.message.quote} data-testid="message-tool-quote" onClick={() => { const said = saidOf(talk.id, shown.dataset["row"] ?? ""); if (said) quote(said); }}><Drawn name="quote" size={15} /></button>
      <button type="button" class="tool small" tabIndex={-1} aria-label={m.message.menu} title={m.message.menu} aria-haspopup="menu" data-testid="message-tool-menu" onClick={(event) => messageMenu(event.currentTarget, talk.id, shown)}><Icon name="more" size={15} /></button>
    </div>
  );
}
