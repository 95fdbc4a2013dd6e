// The box of a conversation, for those who write into it from elsewhere; it must not send.

export const boxOf = (id: string): HTMLTextAreaElement | null => document.querySelector(`[data-testid=conversation][data-id="${CSS.escape(id)}"] textarea[data-testid=composer]`);

/** Replaces a part of the text, as if it had been typed: it can be taken back, and the box hears of it. */
export function replace(box: HTMLTextAreaElement, from: number, to: number, text: string): void {
  box.setSelectionRange(from, to);
  // The old way is the only one that the browser's own "undo" knows.
  if (document.activeElement === box && (text === "" ? document.execCommand("delete") : document.execCommand("insertText", false, text))) return;
  box.setRangeText(text, from, to, "end");
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Puts a text where the caret is. */
export function insert(id: string, text: string): void {
  const box = boxOf(id);
  if (!box) return;
  box.focus();
  replace(box, box.selectionStart, box.selectionEnd, text);
}

/** Puts another text in place of the whole draft. */
export function rewrite(id: string, change: (draft: string) => string): void {
  const box = boxOf(id);
  if (!box) return;
  box.focus();
  replace(box, 0, box.value.length, change(box.value));
  box.scrollTop = box.scrollHeight;
}
