// The parts of a profile; pure. It must not draw.
import type { ProfileEntry } from "../wire/types";

interface Part { heading: string; entries: ProfileEntry[] }

/** Entries by part; parts without any are left out. */
export function partsOf(entries: readonly ProfileEntry[]): Part[] {
  const parts: Part[] = [{ heading: "", entries: [] }];
  for (const entry of entries) {
    if (entry.kind === "pair") parts.at(-1)?.entries.push(entry);
    else parts.push({ heading: entry.kind === "heading" ? (entry.label ?? "") : "", entries: [] });
  }
  return parts.filter((part) => part.entries.length > 0);
}
