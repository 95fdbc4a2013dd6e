import assert from "node:assert/strict";
import { test } from "node:test";
import { moved } from "../src/state/arrange";
import { ordered } from "../src/state/groups";
import type { Group } from "../src/wire/types";

const make = (orders: Record<string, number>): Map<string, Group> => new Map(Object.entries(orders).map(([name, order]) => [name, { name, order, collapsed: false }]));
const names = (groups: Map<string, Group>): string => ordered(groups).map((group) => group.name).join("");

function move(groups: Map<string, Group>, name: string, to: number): number {
  const changes = moved(ordered(groups), name, to);
  for (const [changed, order] of changes) groups.set(changed, { name: changed, order, collapsed: false });
  return changes.size;
}

test("groups that nobody has arranged stand by their names, and one moves with few others", () => {
  const groups = make({ e: 0, a: 0, d: 0, c: 0, b: 0 });
  assert.equal(names(groups), "abcde");
  assert.equal(move(groups, "e", 1), 2);
  assert.equal(names(groups), "aebcd");
  assert.equal(move(groups, "a", 4), 1);
  assert.equal(names(groups), "ebcda");
  assert.equal(move(groups, "b", 1), 0, "it stands there");
  assert.equal(move(groups, "nobody", 1), 0);
});

test("a group at the end or the beginning changes no other", () => {
  const groups = make({ a: 0, b: 0, c: 0 });
  assert.equal(move(groups, "a", 2), 1);
  assert.equal(move(groups, "c", 0), 1);
  assert.equal(names(groups), "cba");
});

test("however groups are moved, each stands where it was put, and numbers stay whole", () => {
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % below;
  const groups = make(Object.fromEntries([..."abcdefghijklmnop"].map((name) => [name, 0])));
  let expected = names(groups);
  for (let round = 0; round < 3000; round++) {
    const name = expected[random(expected.length)] ?? "a";
    // Often between the same two: the room between them runs out.
    const to = random(3) === 0 ? random(expected.length) : 4;
    const rest = expected.replace(name, "");
    expected = rest.slice(0, to) + name + rest.slice(to);
    const changes = move(groups, name, to);
    assert.ok(changes <= expected.length / 2 + 1, `${changes} changes`);
    assert.equal(names(groups), expected);
    assert.ok([...groups.values()].every((group) => Number.isSafeInteger(group.order)));
  }
});
