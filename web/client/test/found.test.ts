// Rooms that discovery found: known again, and in their place while somebody looks at them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { keyOf, merged, rowAt } from "../src/state/found";

const room = (name: string, people = 1, account = "a1") => ({ account, fields: { channel: name, handle: `x${people}` }, name, people, match: { name: true, topic: false, hits: 0, joined: false } });
const names = (rooms: readonly { name: string }[]) => rooms.map((one) => one.name);

test("a room is known again by what joins it, but for the nick", () => {
  assert.equal(keyOf(room("#Tea", 1)), keyOf(room("#tea", 9)));
  assert.notEqual(keyOf(room("#tea")), keyOf(room("#tea", 1, "a2")));
  assert.notEqual(keyOf(room("#tea")), keyOf(room("#rust")));
  assert.equal(keyOf({ account: "a1", fields: { server: "x", room: "y" } }), keyOf({ account: "a1", fields: { room: "y", server: "x" } }));
});

test("rows follow their rank until somebody looks at one; then they stay, and new ones come below", () => {
  const shown = [room("a"), room("b"), room("c")];
  const next = [room("new"), room("c", 50), room("a", 2)];
  assert.deepEqual(names(merged(shown, next, false)), ["new", "c", "a"]);
  const held = merged(shown, next, true);
  assert.deepEqual(names(held), ["a", "c", "new"], "what is gone goes");
  assert.deepEqual(held.map((one) => one.people), [2, 50, 1], "and what is new of a row shows in its place");
  assert.deepEqual(merged([], [], true), []);
});

test("keys lead from the box into the rows and back, and no further", () => {
  assert.equal(rowAt("ArrowDown", -1, 3), 0);
  assert.equal(rowAt("ArrowDown", 2, 3), 2);
  assert.equal(rowAt("ArrowUp", 0, 3), -1);
  assert.equal(rowAt("ArrowUp", -1, 3), -1);
  assert.equal(rowAt("PageDown", -1, 30), 8);
  assert.equal(rowAt("PageUp", 3, 30), 0);
  assert.equal(rowAt("Home", 3, 30), null, "the caret's");
  assert.equal(rowAt("ArrowDown", -1, 0), null);
});
