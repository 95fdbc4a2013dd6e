// Rooms that discovery found: what each is known by, and how a list changes while somebody looks at it; pure.
import type { DiscoveredRoom } from "../wire/types";

/** The key of a room, the same from one answer to the next. */
export const keyOf = (room: Pick<DiscoveredRoom, "account" | "fields">): string =>
  [room.account, ...Object.keys(room.fields).filter((key) => key !== "handle").sort().map((key) => `${key}=${(room.fields[key] ?? "").toLowerCase()}`)].join("\n");

/** The next list. `held`: somebody points at a row or has chosen one, so rows stay where they are and new ones come below them. */
export function merged(shown: readonly DiscoveredRoom[], next: readonly DiscoveredRoom[], held: boolean): DiscoveredRoom[] {
  if (!held) return [...next];
  const left = new Map(next.map((room) => [keyOf(room), room]));
  const kept: DiscoveredRoom[] = [];
  for (const old of shown) {
    const now = left.get(keyOf(old));
    if (now) kept.push(now);
    left.delete(keyOf(old));
  }
  return [...kept, ...left.values()];
}

/** The row that a key leads to from row `at` of `count`; -1 is the box above the rows. Null: the key is none of these. */
export function rowAt(key: string, at: number, count: number): number | null {
  if (count === 0) return null;
  switch (key) {
    case "ArrowDown":
      return Math.min(at + 1, count - 1);
    case "ArrowUp":
      return Math.max(at - 1, -1);
    case "PageDown":
      return Math.min(Math.max(at, 0) + 8, count - 1);
    case "PageUp":
      return Math.max(at - 8, 0);
    default:
      return null;
  }
}
