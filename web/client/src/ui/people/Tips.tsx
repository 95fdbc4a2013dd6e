// Shows a tip about the buddy whose row has the mouse or the keyboard focus. Does not take the focus, nor ask a network (see facts.ts).
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { buddies, protocolOf, accounts } from "../../app/store";
import { m } from "../../words/later";
import { NetworkMark } from "../glyphs";
import { Face, Rows } from "./Card";
import { factsOf } from "./facts";

/** Delay before a tip shows, in milliseconds. */
const REST = 500;
/** Delay before a tip goes when the mouse leaves, in milliseconds: the mouse may be on its way to the tip. */
const WAY = 200;

interface Tip { row: HTMLElement; buddy: string }

const rowOf = (event: Event): HTMLElement | null => (event.target instanceof Element ? event.target.closest<HTMLElement>("[data-buddy]") : null);

function useTip() {
  const tip = useSignal<Tip | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = (ms: number, run: () => void) => {
      clearTimeout(timer);
      timer = setTimeout(run, ms);
    };
    const hide = () => {
      clearTimeout(timer);
      tip.value = null;
    };
    const show = (row: HTMLElement) => later(REST, () => {
      const buddy = row.dataset["buddy"];
      if (buddy && row.isConnected && !document.querySelector(".menu, dialog[open]")) tip.value = { row, buddy };
    });
    // A pressed row shows no tip until the mouse has been elsewhere.
    let pressed: HTMLElement | null = null;
    const press = (event: Event) => {
      pressed = rowOf(event);
      hide();
    };
    const over = (event: PointerEvent) => {
      if (event.pointerType !== "mouse") return;
      if (pressed && rowOf(event) === pressed) return;
      pressed = null;
      if (event.target instanceof Element && event.target.closest(".tip")) return clearTimeout(timer);
      const row = rowOf(event);
      if (row && row === tip.peek()?.row) clearTimeout(timer);
      else if (row) show(row);
      else if (tip.peek()) later(WAY, hide);
      else clearTimeout(timer);
    };
    const focus = (event: FocusEvent) => {
      const row = rowOf(event);
      if (row?.matches(":focus-visible")) show(row);
      else hide();
    };
    const key = (event: KeyboardEvent) => {
      if (event.key === "Escape" || event.key === "Enter" || event.key === "ContextMenu") hide();
    };
    const all: [string, (event: never) => void][] = [["pointerover", over], ["pointerdown", press], ["focusin", focus], ["focusout", hide], ["scroll", hide], ["dragstart", hide], ["contextmenu", hide], ["keydown", key]];
    for (const [name, run] of all) addEventListener(name, run as EventListener, true);
    document.documentElement.addEventListener("pointerleave", hide);
    return () => {
      clearTimeout(timer);
      for (const [name, run] of all) removeEventListener(name, run as EventListener, true);
      document.documentElement.removeEventListener("pointerleave", hide);
    };
  }, []);
  return tip;
}

/** Beside the row, on the side with more room, and within the window. */
function place(box: HTMLElement, row: HTMLElement): void {
  const of = row.getBoundingClientRect();
  const left = of.left > innerWidth - of.right;
  box.style.left = `${left ? Math.max(8, of.left - box.offsetWidth - 12) : Math.min(of.right + 12, innerWidth - box.offsetWidth - 8)}px`;
  box.style.top = `${Math.max(8, Math.min(of.top - 6, innerHeight - box.offsetHeight - 8))}px`;
}

export function Tips() {
  const tip = useTip();
  const box = useRef<HTMLDivElement>(null);
  const shown = tip.value;
  const buddy = shown ? buddies.value.get(shown.buddy) : undefined;
  useLayoutEffect(() => {
    if (!shown || !box.current) return;
    place(box.current, shown.row);
    shown.row.setAttribute("aria-describedby", "tip");
    return () => shown.row.removeAttribute("aria-describedby");
  }, [shown]);
  if (!shown || !buddy) return null;
  // A person who is reached in several ways: the tip names each.
  const others = [...buddies.value.values()].filter((one) => one !== buddy && one.contact === buddy.contact && one.group === buddy.group);
  const facts = factsOf(buddy);
  return (
    <section aria-label={m.people.about}>
      <div class="tip" id="tip" role="tooltip" ref={box} data-testid="tip" data-name={buddy.name} onMouseDown={(event) => event.preventDefault()}>
        <Face facts={facts} size={56} />
        <Rows facts={facts} />
        {others.map((one) => {
          const protocol = accounts.value.get(one.account)?.protocol ?? "";
          return <p key={one.id} class="tip-other" dir="auto"><NetworkMark protocol={protocol} title={protocolOf(protocol)?.name ?? protocol} />{one.name}</p>;
        })}
      </div>
    </section>
  );
}
