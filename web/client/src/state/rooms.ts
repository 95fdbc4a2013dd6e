// Rooms that a network lists: their order and what a search looks in; pure.
import type { RoomRow } from "./model";
import { compareKeys, fold, sortKey } from "./order";

export type RoomOrder = "people" | "name";

interface Keys { sort: string; find: string }
const keys = new WeakMap<RoomRow, Keys>();

/** Derived once a row: there may be ten thousands. */
function keysOf(row: RoomRow): Keys {
  let found = keys.get(row);
  if (!found) {
    found = { sort: sortKey(row.name), find: fold(`${row.name} ${Object.values(row.fields).join(" ")}`) };
    keys.set(row, found);
  }
  return found;
}

/** The text that a search looks in: name and all columns, folded. */
export const findIn = (row: RoomRow): string => keysOf(row).find;

/** Rooms without the headings over them; the fullest first, or by name. */
export function sortRooms(rows: readonly RoomRow[], order: RoomOrder): RoomRow[] {
  const byName = (a: RoomRow, b: RoomRow): number => compareKeys(keysOf(a).sort, keysOf(b).sort);
  return rows.filter((row) => !row.category).sort((a, b) => (order === "people" ? (b.people ?? -1) - (a.people ?? -1) : 0) || byName(a, b));
}
