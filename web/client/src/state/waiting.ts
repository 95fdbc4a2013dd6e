// Messages on their way as texts that outlast the page, and what a later page makes of them; pure.
import type { Message } from "../wire/types";
import { compareIds } from "./messages";
import type { Outgoing } from "./model";

/** One page's messages on their way. `client`: its name for the daemon. */
export interface Waiting { client: string; list: Outgoing[] }

const STATES: ReadonlySet<unknown> = new Set(["pending", "failed", "unknown"]);

function isOutgoing(one: unknown): one is Outgoing {
  const { command, conversation, text, state, spans } = (one ?? {}) as Partial<Record<keyof Outgoing, unknown>>;
  return typeof command === "string" && typeof conversation === "string" && typeof text === "string" && STATES.has(state) && (spans === undefined || Array.isArray(spans));
}

/** Of what stands in a browser's storage. Anything may stand there. */
export function readWaiting(text: string | null): Waiting | null {
  try {
    const { client, list } = JSON.parse(text ?? "null") as { client: unknown; list: unknown };
    if (typeof client !== "string" || !Array.isArray(list)) return null;
    return { client, list: list.filter(isOutgoing).map((one) => ({ ...one, after: one.after ?? null, error: one.error ?? null, time: String(one.time ?? "") })) };
  } catch {
    return null;
  }
}

export const writeWaiting = (waiting: Waiting): string => JSON.stringify(waiting);

/** The conversation shows it, though the page that sent it never heard so. */
export function isShown(out: Outgoing, messages: readonly Message[]): boolean {
  return out.tried === true && messages.some((one) => one.from.self && one.text === out.text && out.after !== null && compareIds(one.id, out.after) > 0);
}
