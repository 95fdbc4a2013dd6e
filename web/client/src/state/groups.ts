// The order of groups, which is their user's: by number, and by name where the numbers are the same; and into which one somebody new goes; pure.
import type { Group, Settings } from "../wire/types";
import { compareNames } from "./order";

/** A group that the daemon has told nothing of comes last. */
export function compareGroups(groups: ReadonlyMap<string, Group>): (a: string, b: string) => number {
  const order = (name: string): number => groups.get(name)?.order ?? Number.MAX_SAFE_INTEGER;
  return (a, b) => order(a) - order(b) || compareNames(a, b);
}

export function ordered(groups: ReadonlyMap<string, Group>): Group[] {
  const compare = compareGroups(groups);
  return [...groups.values()].sort((a, b) => compare(a.name, b.name));
}

/** The setting with the group into which somebody was added last. */
export const LAST_GROUP = "last_group";

/** Libpurple's own name for those whom nobody put anywhere. The same in every language: it is a name on servers. */
export const FIRST_GROUP = "Buddies";

/** The one used last, if it is still there; else that of whoever was put nowhere. */
export function groupForNew(settings: Settings, groups: ReadonlyMap<string, Group>): string {
  const last = settings[LAST_GROUP];
  return typeof last === "string" && groups.has(last) ? last : FIRST_GROUP;
}
