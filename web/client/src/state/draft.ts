// Drafts: what was typed here and what another browser has of it; pure.

/** A text that was begun, and when it was last changed, by the server's clock. */
export interface Draft { text: string; at: number }

export const NOTHING: Draft = { text: "", at: 0 };

/** Of a setting or of this browser's storage. Anything may stand there; a mere text is a draft of unknown age. */
export function readDraft(value: unknown): Draft {
  if (typeof value === "string") return { text: value, at: 0 };
  const { text, at } = (value ?? {}) as { text?: unknown; at?: unknown };
  return typeof text === "string" ? { text, at: typeof at === "number" ? at : 0 } : NOTHING;
}

export interface Choice {
  /** What the box shows. */
  show: Draft;
  /** Another text that somebody began: it is offered. */
  offer: string | null;
}

/**
 * What to show of a draft here and one from elsewhere. `known`: the text from elsewhere that the one here began with, or was the last to be told.
 * A text that nobody changed gives way; of two that were changed the newer one shows, and the other is offered.
 */
export function reconcile(here: Draft, elsewhere: Draft, known: string): Choice {
  if (here.text === elsewhere.text || elsewhere.text === known) return { show: here, offer: null };
  if (here.text.trim() === "" || here.text === known) return { show: elsewhere, offer: null };
  if (elsewhere.text.trim() === "") return { show: here, offer: null };
  return elsewhere.at > here.at ? { show: elsewhere, offer: here.text } : { show: here, offer: elsewhere.text };
}
