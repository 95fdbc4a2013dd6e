// Buttons for formatting, below the box of a conversation; it must not send.
import type { RefObject } from "preact";
import { format, type Format } from "../../state/format";
import { m } from "../../words/later";
import { replace } from "./box";
import { Drawn } from "./drawn";

const FORMATS: readonly Format[] = ["bold", "italic", "strike", "code", "link"];
const KEYS: Readonly<Partial<Record<Format, string>>> = { bold: "Ctrl B", italic: "Ctrl I", code: "Ctrl E", strike: "Ctrl Shift X" };

export function apply(box: HTMLTextAreaElement, how: Format): void {
  const { from, to, text, select } = format(box.value, box.selectionStart, box.selectionEnd, how);
  box.focus();
  replace(box, from, to, text);
  box.setSelectionRange(...select);
}

/** The format that a key means. On a Mac the Control key moves the caret. */
export function formatOf(event: KeyboardEvent): Format | null {
  const held = /^(Mac|iP)/.test(navigator.platform) ? event.metaKey : event.ctrlKey;
  if (!held || event.altKey) return null;
  const key = event.key.toLowerCase();
  if (event.shiftKey) return key === "x" ? "strike" : null;
  return key === "b" ? "bold" : key === "i" ? "italic" : key === "e" ? "code" : null;
}

/** Moves the focus from button to button by arrow keys: the bar has a single tab stop. */
function arrows(event: KeyboardEvent): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const all = [...(event.currentTarget as HTMLElement).querySelectorAll("button")];
  const at = all.indexOf(event.target as HTMLButtonElement);
  if (step === undefined || at < 0) return;
  event.preventDefault();
  all[(at + step + all.length) % all.length]?.focus();
}

export function FormatBar({ box }: { box: RefObject<HTMLTextAreaElement | null> }) {
  return (
    <div class="format-bar" role="toolbar" aria-label={m.message.formatting} data-testid="format-bar" onKeyDown={arrows}>
      {FORMATS.map((how, at) => (
        <button key={how} type="button" class="tool" tabIndex={at === 0 ? 0 : -1} aria-label={m.message.formats[how]} title={[m.message.formats[how], KEYS[how]].filter(Boolean).join(" · ")} data-testid={`format-${how}`}
          onPointerDown={(event) => event.preventDefault()} onClick={() => box.current && apply(box.current, how)}>
          <Drawn name={how} size={17} />
        </button>
      ))}
    </div>
  );
}
