// Drafts: what was typed here and what another browser has of it; pure.

export interface Draft {
  text: string;
  /** When it was last changed: milliseconds by the server's clock. */
  at: number;
  /** The same for all that was made of one beginning; empty where nobody knows. */
  line: string;
}

export const NOTHING: Draft = { text: "", at: 0, line: "" };

/** Of a setting or of this browser's storage. Anything may stand there; a mere text is a draft of unknown age. */
export function readDraft(value: unknown): Draft {
  if (typeof value === "string") return { ...NOTHING, text: value };
  const { text, at, line } = (value ?? {}) as { text?: unknown; at?: unknown; line?: unknown };
  return typeof text === "string" ? { text, at: typeof at === "number" ? at : 0, line: typeof line === "string" ? line : "" } : NOTHING;
}

export interface Choice {
  /** What the box shows. */
  show: Draft;
  /** Another text that somebody began: it is offered. */
  offer: string | null;
}

const akin = (a: Draft, b: Draft): boolean => a.line === b.line || a.line === "" || b.line === "";

/**
 * What to show of a draft here and one from elsewhere. `known`: the text that others were known to have. One that others have as it is here gives
 * way to what was made of it; of two that came apart the newer one shows, and the other is offered.
 */
export function reconcile(here: Draft, elsewhere: Draft, known: string): Choice {
  if (here.text === elsewhere.text || elsewhere.text === known) return { show: here, offer: null };
  if (here.text.trim() === "") return { show: elsewhere, offer: null };
  if (elsewhere.text.trim() === "") return { show: here.text === known ? NOTHING : here, offer: null };
  if (here.text === known && akin(here, elsewhere)) return { show: elsewhere, offer: null };
  return elsewhere.at > here.at ? { show: elsewhere, offer: here.text } : { show: here, offer: elsewhere.text };
}
