// Divides a profile into parts, and finds the card that asked for it; pure. Does not draw (see ui/people/Entries.tsx).
import { named } from "./names";
import type { ProfileEntry } from "../wire/types";

/** A card for which somebody's profile was asked. `closed`: nobody reads it any more. */
export interface Asking { name: string; closed: boolean }

const bare = (name: string): string => name.split("/")[0] ?? name;

/** The card that a profile is for, among those of its account: by the name, which networks write in their own way, or else the only one. Cards that are open come first. */
export function cardFor<T extends Asking>(all: readonly T[], name: string): T | undefined {
  const groups = [all.filter((one) => !one.closed), all.filter((one) => one.closed)];
  for (const group of groups) {
    const found = named(group, name);
    if (found) return found;
  }
  for (const group of groups) {
    const found = named(group.map((one) => ({ one, name: bare(one.name) })), bare(name));
    if (found) return found.one;
  }
  const [first] = groups.flat();
  return all.every((one) => one.name === first?.name) ? first : undefined;
}

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
