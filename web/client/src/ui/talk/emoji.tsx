// A small picker of common emoji; it must not send.
import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { w } from "../../words";

const EMOJI = [..."😀😄😁😅😂🙂😉😊😍🥰😘😜🤔🤨😐🙄😏😴😌😕😟😢😭😤😡🤯😱🥳🤗🤭🤫🙈👍👎👌👏🙏💪👋🤞✌🎉🎂🌸🌞🌧🔥⭐💡💬☕🍕🍰🐱🐶🚀🚂🏡💜💛💚💙🖤💔✅❌❓❗"];

const open = signal<{ anchor: Element; use(text: string): void } | null>(null);

export function openEmoji(anchor: Element, use: (text: string) => void): void {
  open.value = open.value ? null : { anchor, use };
}

export function EmojiHost() {
  const state = open.value;
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const box = ref.current;
    if (!box || !state) return;
    if (box.showPopover && !box.matches(":popover-open")) box.showPopover();
    const at = state.anchor.getBoundingClientRect();
    // As laid out: it is still growing to that size.
    const { offsetWidth: width, offsetHeight: height } = box;
    box.style.left = `${Math.max(6, Math.min(at.right - width, innerWidth - width - 6))}px`;
    box.style.top = `${Math.max(6, at.top - height - 8)}px`;
    box.querySelector("button")?.focus();
  }, [state]);
  useEffect(() => {
    if (!state) return;
    const away = (event: Event) => {
      if (!ref.current?.contains(event.target as Node) && !state.anchor.contains(event.target as Node)) open.value = null;
    };
    addEventListener("pointerdown", away, true);
    return () => removeEventListener("pointerdown", away, true);
  }, [state]);
  if (!state) return null;
  const key = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      open.value = null;
      (state.anchor as HTMLElement).focus();
    }
    const all = [...(ref.current?.querySelectorAll("button") ?? [])];
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key];
    if (step) {
      event.preventDefault();
      all[Math.max(0, Math.min(all.length - 1, all.indexOf(document.activeElement as HTMLButtonElement) + step))]?.focus();
    }
  };
  return (
    <section aria-label={w.talk.emoji}>
      <div class="emoji-box" role="group" aria-label={w.talk.emoji} popover="manual" ref={ref} onKeyDown={key}>
        {EMOJI.map((one) => (
          <button key={one} type="button" onClick={() => { state.use(one); open.value = null; }}>{one}</button>
        ))}
      </div>
    </section>
  );
}
