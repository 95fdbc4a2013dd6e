// Help while one writes: names and emoji to choose from, formatting, pasted texts; it must not send.
import { useSignal, type Signal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { emojiTable, fetchEmoji, take } from "../../app/emoji";
import { choose, prefs } from "../../app/prefs";
import { putBack } from "../../app/windows";
import { closedName, mention, nicks, tokenAt, wordAt } from "../../state/complete";
import { named, search, shortcode, toned, type Emoji } from "../../state/emoji";
import type { Talk } from "../../state/model";
import { toneOf } from "../../state/names";
import { isMany } from "../../state/paste";
import { m } from "../../words/later";
import { pasteDialog } from "../dialogs/Paste";
import { composing } from "../keys";
import { replace } from "./box";
import { Drawn } from "./drawn";
import { apply, FormatBar, formatOf } from "./FormatBar";
import { isOfLines, takesFormatting } from "./formatting";

/** Emoji to choose from at a time, and names. */
const MOST_EMOJI = 8;
const MOST_NAMES = 50;

type Hit = { name: string; emoji?: never } | { emoji: Emoji; name?: never };
/** Choices for the text from `start` to `end`. `word`: the letters that Tab has replaced by a choice already; Tab goes on to the next. */
interface Choices { hits: readonly Hit[]; at: number; start: number; end: number; word?: string }

/** Listens to one box. */
class Assistant {
  private acting = false;
  private readonly box: HTMLTextAreaElement;
  private readonly talk: () => Talk;
  private readonly list: Signal<Choices | null>;

  constructor(box: HTMLTextAreaElement, talk: () => Talk, list: Signal<Choices | null>) {
    this.box = box;
    this.talk = talk;
    this.list = list;
  }

  private put(start: number, end: number, text: string): void {
    this.acting = true;
    replace(this.box, start, end, text);
    this.acting = false;
  }

  /** Shows what fits to what stands before the caret. While an input method writes, nothing is put in its place. */
  look = (event?: Event): void => {
    if (this.acting) return;
    const { value, selectionStart: caret, selectionEnd } = this.box;
    const token = caret === selectionEnd ? tokenAt(value, caret, this.talk().kind === "room") : null;
    const closed = closedName(value, caret);
    if (token?.kind === "emoji" || closed) {
      const table = emojiTable.peek();
      if (!table) return void fetchEmoji().then(() => this.look(event), () => undefined);
      const exact = closed && named(table, closed.query);
      if (closed && exact && !(event instanceof InputEvent && event.isComposing)) {
        this.list.value = null;
        return this.put(closed.start, caret, take(exact));
      }
      if (token) return this.show(search(table, token.query, MOST_EMOJI).map((emoji) => ({ emoji })), token.start, caret);
    }
    if (token?.kind === "nick") return this.show(nicks(this.talk(), token.query).slice(0, MOST_NAMES).map((name) => ({ name })), token.start, caret);
    this.list.value = null;
  };

  private show(hits: readonly Hit[], start: number, end: number): void {
    this.list.value = hits.length > 0 ? { hits, at: 0, start, end } : null;
  }

  choose(hit: Hit | undefined): void {
    const list = this.list.value;
    this.list.value = null;
    if (!list || !hit) return;
    this.put(list.start, list.end, hit.emoji ? take(hit.emoji) : mention(this.box.value, list.start, hit.name));
  }

  /** Puts a name of the list in place of what is there. */
  private turn(list: Choices, at: number): void {
    const hit = list.hits[at];
    if (!hit?.name) return;
    const text = mention(this.box.value, list.start, hit.name);
    this.put(list.start, list.end, text);
    this.list.value = list.hits.length > 1 ? { ...list, at, end: list.start + text.length } : null;
  }

  /** Tab behind some letters of a name. */
  private complete(): boolean {
    const talk = this.talk();
    const word = talk.kind === "room" ? wordAt(this.box.value, this.box.selectionStart) : null;
    const hits = word ? nicks(talk, word.query).slice(0, MOST_NAMES).map((name) => ({ name })) : [];
    if (!word || hits.length === 0) return false;
    this.turn({ hits, at: 0, start: word.start, end: this.box.selectionStart, word: word.query }, 0);
    return true;
  }

  key = (event: KeyboardEvent): void => {
    if (composing(event)) return;
    const done = () => {
      event.preventDefault();
      event.stopImmediatePropagation();
    };
    const how = takesFormatting(this.talk()) ? formatOf(event) : null;
    if (how) {
      done();
      return apply(this.box, how);
    }
    const list = this.list.value;
    if (!list) {
      if (event.key === "Tab" && !event.shiftKey && !event.ctrlKey && !event.altKey && this.complete()) done();
      return;
    }
    const { hits, at, word } = list;
    const step = { ArrowDown: 1, ArrowUp: -1, Tab: word === undefined ? 0 : event.shiftKey ? -1 : 1 }[event.key];
    const next = (at + (step ?? 0) + hits.length) % hits.length;
    if (event.key === "Escape") {
      done();
      this.list.value = null;
      if (word !== undefined) this.put(list.start, list.end, word);
    } else if (step !== undefined && step !== 0) {
      done();
      if (word === undefined) this.list.value = { ...list, at: next };
      else this.turn(list, next);
    } else if (word === undefined && !event.shiftKey && (event.key === "Enter" || event.key === "Tab")) {
      done();
      this.choose(hits[at]);
    } else if (word !== undefined && event.key !== "Shift") {
      this.list.value = null;
    }
  };

  paste = (event: ClipboardEvent): void => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const talk = this.talk();
    const single = isOfLines(talk);
    if (event.clipboardData?.types.includes("Files") || !isMany(text, single)) return;
    event.preventDefault();
    event.stopPropagation();
    pasteDialog(talk, text, (made, before) => {
      // The conversation may have been closed meanwhile: its draft waits for the next box.
      if (!this.box.isConnected || this.talk().id !== talk.id) {
        putBack.value = { conversation: talk.id, text: before ? before("") : made };
        return;
      }
      const { selectionStart, selectionEnd, value } = this.box;
      this.put(selectionStart, selectionEnd, before ? before(value.slice(0, selectionStart)) : made);
    });
  };
}

function Option({ hit }: { hit: Hit }) {
  if (!hit.emoji) return <span class={`nick nick-${toneOf(hit.name)}`} dir="auto">{hit.name}</span>;
  return <><span class="hit-emoji" aria-hidden="true">{toned(hit.emoji, prefs.skin_tone.value)}</span><span class="hit-name">:{shortcode(hit.emoji.name)}:</span></>;
}

export function Assist({ talk, box }: { talk: Talk; box: RefObject<HTMLTextAreaElement | null> }) {
  const id = useId();
  const list = useSignal<Choices | null>(null);
  const now = useRef(talk);
  now.current = talk;
  const assistant = useRef<Assistant | null>(null);
  const options = useRef<HTMLUListElement>(null);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const one = new Assistant(element, () => now.current, list);
    assistant.current = one;
    const leave = () => (list.value = null);
    element.addEventListener("input", one.look);
    element.addEventListener("compositionend", one.look);
    element.addEventListener("click", one.look);
    element.addEventListener("keydown", one.key, true);
    element.addEventListener("paste", one.paste);
    element.addEventListener("blur", leave);
    return () => {
      element.removeEventListener("input", one.look);
      element.removeEventListener("compositionend", one.look);
      element.removeEventListener("click", one.look);
      element.removeEventListener("keydown", one.key, true);
      element.removeEventListener("paste", one.paste);
      element.removeEventListener("blur", leave);
    };
  }, []);
  useEffect(() => { list.value = null; }, [talk.id]);
  const open = list.value;
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    if (open) {
      element.setAttribute("aria-controls", id);
      element.setAttribute("aria-activedescendant", `${id}-${open.at}`);
      options.current?.children[open.at]?.scrollIntoView({ block: "nearest" });
    } else {
      element.removeAttribute("aria-controls");
      element.removeAttribute("aria-activedescendant");
    }
  }, [open]);
  const formats = takesFormatting(talk);
  return (
    <>
      <span class="sr" role="status">{open ? m.message.found(open.hits.length) : ""}</span>
      {open && (
        <ul class="hits" id={id} role="listbox" aria-label={open.hits[0]?.emoji ? m.message.emojiSearch : m.message.names} data-testid="hits" ref={options} onPointerDown={(event) => event.preventDefault()}>
          {open.hits.map((hit, at) => (
            <li key={hit.name ?? hit.emoji.emoji} id={`${id}-${at}`} role="option" aria-selected={at === open.at} data-testid="hit" onClick={() => assistant.current?.choose(hit)}><Option hit={hit} /></li>
          ))}
        </ul>
      )}
      {formats && prefs.format_bar.value && <FormatBar box={box} />}
      {formats && (
        <button type="button" class="tool letters" aria-label={m.message.formatting} title={m.message.formatting} aria-pressed={prefs.format_bar.value} data-testid="toggle-format" onClick={() => choose("format_bar", !prefs.format_bar.value)}><Drawn name="letters" size={20} /></button>
      )}
    </>
  );
}
