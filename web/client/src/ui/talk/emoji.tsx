// The picker of emoji: search, groups, skin tone; it must not send.
import { signal, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { atHand, emojiTable, fetchEmoji, take } from "../../app/emoji";
import { choose, prefs } from "../../app/prefs";
import { CHOICES } from "../../state/choices";
import { search, shortcode, toned, type Emoji } from "../../state/emoji";
import { w } from "../../words";
import { m } from "../../words/later";
import { toast } from "../Dialog";
import { Icon } from "../icons";
import { radioKeys, radioStop } from "../radios";

/** Emoji that a search shows at most. */
const MOST_FOUND = 64;
/** For the groups of Unicode, in their order; a clock for those at hand. */
const SIGNS = ["😀", "👋", "🐻", "🍎", "🚗", "⚽", "💡", "❤️", "🏁"];
const HAND: Emoji = { emoji: "✋", name: "", words: [], tones: true };

const open = signal<{ anchor: Element; use(text: string): void } | null>(null);

export function openEmoji(anchor: Element, use: (text: string) => void): void {
  open.value = open.value ? null : { anchor, use };
  fetchEmoji().catch(() => {
    open.value = null;
    toast(w.outdated);
  });
}

function Tones() {
  const values = CHOICES.skin_tone.values;
  const chosen = prefs.skin_tone.value;
  const names = m.settings.values["skin_tone"] ?? {};
  return (
    <div class="tones" role="radiogroup" aria-label={m.settings.labels["skin_tone"]} onKeyDown={radioKeys}>
      {values.map((value, at) => (
        <button key={value} type="button" role="radio" aria-checked={value === chosen} aria-label={names[value]} title={names[value]} tabIndex={radioStop(values.indexOf(chosen), at)} data-testid={`tone-${value}`} onClick={() => choose("skin_tone", value)}>{toned(HAND, value)}</button>
      ))}
    </div>
  );
}

function Picker({ close, use }: { close(): void; use(text: string): void }) {
  const typed = useSignal("");
  const group = useSignal(-1);
  const pointed = useSignal<Emoji | null>(null);
  const grid = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const groups = emojiTable.value;
  const tone = prefs.skin_tone.value;
  useLayoutEffect(() => field.current?.focus(), []);
  useLayoutEffect(() => { grid.current?.scrollTo(0, 0); }, [group.value, typed.value]);
  const query = typed.value.trim().replace(/^:|:$/g, "");
  const seen = !groups ? [] : query !== "" ? search(groups, query, MOST_FOUND) : group.value < 0 ? atHand(groups) : (groups[group.value]?.list ?? []);
  const pick = (one: Emoji | undefined) => {
    if (!one) return;
    close();
    use(take(one));
  };
  /** Buttons in a row of the grid, as it is laid out. */
  const across = (all: readonly HTMLElement[]) => all.findIndex((one, at) => at > 0 && one.offsetTop !== all[0]?.offsetTop);
  const key = (event: KeyboardEvent) => {
    const all = [...(grid.current?.querySelectorAll<HTMLElement>("button") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const inField = event.target === field.current;
    const row = across(all) > 0 ? across(all) : all.length;
    const step = { ArrowDown: row, ArrowUp: -row, ArrowRight: 1, ArrowLeft: -1, Home: -at, End: all.length - 1 - at }[event.key];
    if (inField && event.key === "Enter") {
      event.preventDefault();
      pick(seen[0]);
    } else if (inField && event.key === "ArrowDown") {
      event.preventDefault();
      all[0]?.focus();
    } else if (at >= 0 && step !== undefined) {
      event.preventDefault();
      if (at + step < 0) field.current?.focus();
      else all[Math.min(all.length - 1, at + step)]?.focus();
    } else if (at >= 0 && event.key.length === 1 && event.key !== " ") {
      // Letters go on with the search.
      field.current?.focus();
    }
  };
  const shown = pointed.value ?? seen[0];
  return (
    <div class="picker" onKeyDown={key}>
      <span class="picker-search"><Icon name="search" size={16} />
        <input ref={field} type="search" value={typed.value} placeholder={m.message.emojiSearch} aria-label={m.message.emojiSearch} data-testid="emoji-search" autocomplete="off" onInput={(event) => { typed.value = event.currentTarget.value; pointed.value = null; }} />
      </span>
      <div class="picker-groups" role="group" aria-label={m.message.emojiGroups}>
        {[-1, ...SIGNS.keys()].map((at) => {
          const name = at < 0 ? m.message.emojiRecent : (m.message.emojiGroup[groups?.[at]?.name ?? ""] ?? "");
          return <button key={at} type="button" aria-pressed={query === "" && group.value === at} aria-label={name} title={name} data-testid={`emoji-group-${at + 1}`} onClick={() => { group.value = at; typed.value = ""; pointed.value = null; }}>{at < 0 ? <Icon name="clock" size={18} /> : SIGNS[at]}</button>;
        })}
      </div>
      <div class="picker-grid" role="group" aria-label={m.message.emojiPick} ref={grid}>
        {!groups && <i class="spinner" />}
        {groups && seen.length === 0 && <p class="lead small" role="status">{m.message.emojiNone(query)}</p>}
        {seen.map((one, at) => (
          <button key={one.emoji} type="button" tabIndex={at === 0 ? 0 : -1} aria-label={one.name} data-testid="emoji-one" data-name={shortcode(one.name)} onPointerEnter={() => (pointed.value = one)} onFocus={() => (pointed.value = one)} onClick={() => pick(one)}>{toned(one, tone)}</button>
        ))}
      </div>
      <div class="picker-foot">
        <span class="picker-name">{shown && <><span class="picker-large" aria-hidden="true">{toned(shown, tone)}</span><small>:{shortcode(shown.name)}:</small></>}</span>
        <Tones />
      </div>
    </div>
  );
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
    box.querySelector("input")?.focus();
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
  const close = () => (open.value = null);
  const escape = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    close();
    (state.anchor as HTMLElement).focus();
  };
  return (
    <section aria-label={w.talk.emoji}>
      <div class="emoji-box" role="group" aria-label={w.talk.emoji} popover="manual" ref={ref} onKeyDown={escape}>
        <Picker close={close} use={state.use} />
      </div>
    </section>
  );
}
