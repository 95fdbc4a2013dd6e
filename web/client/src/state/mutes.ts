// Which conversations and accounts are quiet, by the settings; pure. A mute is a setting of its own, so that two browsers undo nothing of each other's.
import type { Settings } from "../wire/types";

const PREFIX = "mute.";

/** The setting of a conversation or an account. */
export const muteKey = (id: string): string => PREFIX + id;

/** Until when each of them is quiet, in milliseconds by the server's clock; null: until its user says otherwise. */
export type Mutes = ReadonlyMap<string, number | null>;

export function mutesOf(settings: Settings): Mutes {
  const found = new Map<string, number | null>();
  for (const [key, value] of Object.entries(settings)) {
    if (!key.startsWith(PREFIX) || typeof value !== "object" || value === null) continue;
    const { until } = value as { until?: unknown };
    if (until === null || (typeof until === "number" && Number.isFinite(until))) found.set(key.slice(PREFIX.length), until);
  }
  return found;
}

/** Those that hold at this time. */
export function holding(mutes: Mutes, now: number): Mutes {
  return new Map([...mutes].filter(([, until]) => until === null || until > now));
}

/** When the first of them ends; null when none does by itself. */
export function nextEnd(mutes: Mutes, now: number): number | null {
  const ends = [...mutes.values()].filter((until): until is number => until !== null && until > now);
  return ends.length > 0 ? Math.min(...ends) : null;
}
