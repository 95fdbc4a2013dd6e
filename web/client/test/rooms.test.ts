// Rooms that a network lists, and people in rooms who are ignored.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ignoredIn, ignoreKey } from "../src/state/ignored";
import { findIn, sortRooms } from "../src/state/rooms";

const row = (name: string, people?: number, more = {}) => ({ name, fields: { Topic: `talk of ${name}` }, ...(people === undefined ? {} : { people }), ...more });

test("the fullest rooms stand first, or all by name; headings are no rooms", () => {
  const rows = [row("b", 2), row("#10", 2), row("#9", 30), row("quiet"), row("Chess", 0), row("Games", undefined, { category: true })];
  assert.deepEqual(sortRooms(rows, "people").map((one) => one.name), ["#9", "#10", "b", "Chess", "quiet"]);
  assert.deepEqual(sortRooms(rows, "name").map((one) => one.name), ["#9", "#10", "b", "Chess", "quiet"]);
  assert.deepEqual(sortRooms([row("b", 1), row("a", 1), row("c", 5)], "people").map((one) => one.name), ["c", "a", "b"]);
  assert.equal(findIn(row("Élan")).includes("talk of elan"), true);
});

test("who is ignored is read from the settings, whatever stands there", () => {
  assert.equal(ignoreKey("c7"), "ignore.c7");
  assert.deepEqual(ignoredIn({ "ignore.c7": ["bob", 7, "eva"] }, "c7"), ["bob", "eva"]);
  for (const odd of [undefined, null, "bob", { a: 1 }]) assert.deepEqual(ignoredIn({ "ignore.c7": odd } as never, "c7"), []);
});
