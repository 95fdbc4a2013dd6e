// Into which group somebody new goes when nobody says; pure.
import type { Group, Settings } from "../wire/types";

/** The setting with the group into which somebody was added last. */
export const LAST_GROUP = "last_group";

/** Libpurple's own name for those whom nobody put anywhere. The same in every language: it is a name on servers. */
export const FIRST_GROUP = "Buddies";

/** The one used last, if it is still there; else that of whoever was put nowhere. */
export function groupForNew(settings: Settings, groups: ReadonlyMap<string, Group>): string {
  const last = settings[LAST_GROUP];
  return typeof last === "string" && groups.has(last) ? last : FIRST_GROUP;
}
