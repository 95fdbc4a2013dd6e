// Names in parts, windows in place: the small arithmetic of the page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dealOut, joinName, splitName } from "../src/state/address";
import { clamp, edgeZone, half, place, resize, snapMove, tile } from "../src/state/geometry";
import type { Protocol } from "../src/wire/types";

const splits = [{ label: "Domain", default: "", separator: "@" }, { label: "Resource", default: "", separator: "/" }];
const jabber = { username: { label: "Username", splits } } as Protocol;

test("a pasted address falls into its boxes", () => {
  assert.deepEqual(dealOut("ines@example.org", splits, ["", ""]), { user: "ines", parts: ["example.org", ""] });
  assert.deepEqual(dealOut("ines@example.org/home", splits, ["", ""]), { user: "ines", parts: ["example.org", "home"] });
  assert.deepEqual(dealOut("ines", splits, ["old.org", ""]), { user: "ines", parts: ["old.org", ""] });
});

test("a full name comes apart and together again", () => {
  assert.equal(joinName(jabber, splitName(jabber, "ines@example.org/home")), "ines@example.org/home");
  assert.equal(joinName(jabber, splitName(jabber, "ines@example.org")), "ines@example.org");
});

const area = { w: 1000, h: 700 };

test("windows stay on the desk", () => {
  assert.deepEqual(clamp({ x: 900, y: -20, w: 400, h: 2000 }, area), { x: 600, y: 0, w: 400, h: 700 });
});

test("a new window covers no other while there is room", () => {
  const first = place({ w: 380, h: 460 }, [], area);
  const second = place({ w: 380, h: 460 }, [first], area);
  assert.ok(second.x + second.w <= first.x || first.x + first.w <= second.x);
});

test("edges pull, halves fill, the pointer at an edge asks for one", () => {
  assert.equal(snapMove({ x: 7, y: 100, w: 300, h: 300 }, [], area).x, 10);
  assert.equal(snapMove({ x: 305, y: 100, w: 300, h: 300 }, [{ x: 0, y: 100, w: 300, h: 300 }], area).x, 300);
  assert.equal(edgeZone(2, 300, area), "left");
  assert.equal(edgeZone(500, 0, area), "full");
  assert.equal(edgeZone(500, 300, area), null);
  const left = half("left", area);
  const right = half("right", area);
  assert.ok(left.x + left.w <= right.x && right.x + right.w <= area.w);
});

test("a window is not made smaller than its content, from any edge", () => {
  const from = { x: 100, y: 100, w: 400, h: 400 };
  assert.deepEqual(resize(from, "w", 300, 0, area), { x: 220, y: 100, w: 280, h: 400 });
  assert.deepEqual(resize(from, "se", 5000, 5000, area), { x: 100, y: 100, w: 900, h: 600 });
});

test("tiles do not overlap", () => {
  const frames = tile(3, area);
  for (const a of frames) for (const b of frames) if (a !== b) assert.ok(a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y);
});
