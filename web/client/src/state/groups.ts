// The order of groups, which is their user's: by number, and by name where the numbers are the same; pure.
import type { Group } from "../wire/types";
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
