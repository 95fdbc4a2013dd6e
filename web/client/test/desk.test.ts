// The windows of a desk: how they stand, what is kept, tiles, the dock.
import assert from "node:assert/strict";
import { test } from "node:test";
import { dockRoom, framesOf, fresh, keep, placed, raise, restored, tiled, tileWidth, type Win, type Wins } from "../src/state/desk";
import { frameOf, shareOf, tile, tilesIn, type Area, type Frame } from "../src/state/geometry";

const LARGE: Area = { w: 1072, h: 772 };
const SMALL: Area = { w: 772, h: 572 };

const overlap = (a: Frame, b: Frame): boolean => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

function assertApart(frames: readonly Frame[], area: Area): void {
  for (const [at, one] of frames.entries()) {
    assert.ok(one.x >= 0 && one.y >= 0 && one.x + one.w <= area.w && one.y + one.h <= area.h, JSON.stringify({ one, area }));
    for (const other of frames.slice(at + 1)) assert.ok(!overlap(one, other), JSON.stringify({ one, other, area }));
  }
}

/** So many conversations with people, opened one after the other. */
function opened(count: number, area: Area = LARGE): Wins {
  let wins: Wins = new Map();
  for (let at = 0; at < count; at++) wins = raise(wins, `t${at}`, "im", at + 1, area);
  return wins;
}

const byId = (list: readonly Win[]): Wins => new Map(list.map((win) => [win.id, win]));

test("tiles never lie over another, however many, on a desk of any size", () => {
  for (const area of [LARGE, SMALL, { w: 1592, h: 952 }, { w: 1100, h: 430 }, { w: 320, h: 300 }, { w: 1071, h: 771 }]) {
    for (let count = 1; count <= 40; count++) {
      const frames = tile(count, area);
      assert.equal(frames.length, Math.min(count, tilesIn(area)));
      assertApart(frames, area);
    }
  }
  assert.equal(tile(20, LARGE).length, 20, "twenty have room at 1400 x 900");
});

test("few tiles look like windows, not like strips", () => {
  assert.deepEqual(tile(2, LARGE).map(({ w, h }) => [w, h]), [[521, 752], [521, 752]]);
  for (const count of [4, 5, 6, 9]) for (const { w, h } of tile(count, LARGE)) assert.ok(w / h < 2.2 && h / w < 2.2, `${count}: ${w} x ${h}`);
});

test("twenty windows are tiled all, in their order", () => {
  const wins = tiled(opened(20), LARGE);
  const frames = framesOf(wins.values(), LARGE);
  assert.equal(frames.size, 20);
  assertApart([...frames.values()], LARGE);
  assert.deepEqual([...wins.values()].map((win) => win.tile.at), Array.from({ length: 20 }, (_, at) => at));
});

test("tiles without room on a smaller desk wait, and come back on a larger one", () => {
  const wins = tiled(opened(20), LARGE);
  const fewer = framesOf(wins.values(), SMALL);
  assert.ok(fewer.size === tilesIn(SMALL) && fewer.size < 20, `${fewer.size}`);
  assertApart([...fewer.values()], SMALL);
  assert.equal(framesOf(wins.values(), LARGE).size, 20);
  // Tiled there, those furthest behind are minimised.
  const there = tiled(opened(20), SMALL);
  assert.deepEqual([...there.values()].filter((win) => !win.minimised).map((win) => win.id), Array.from({ length: tilesIn(SMALL) }, (_, at) => `t${20 - tilesIn(SMALL) + at}`));
});

test("one that is opened among tiles becomes one, and so does one that comes back", () => {
  let wins: Wins = tiled(opened(4), LARGE);
  wins = raise(wins, "new", "room", 9, LARGE);
  assert.equal(wins.get("new")?.stand, "tile");
  assertApart([...framesOf(wins.values(), LARGE).values()], LARGE);
  const old = wins.get("t1");
  assert.ok(old);
  wins = new Map(wins).set("t1", { ...old, minimised: true });
  assert.equal(framesOf(wins.values(), LARGE).size, 4);
  wins = raise(wins, "t1", "im", 10, LARGE);
  assert.deepEqual([framesOf(wins.values(), LARGE).size, wins.get("t1")?.minimised], [5, false]);
});

test("a tile without room that is asked for stands where it was before", () => {
  const wins = tiled(opened(20), LARGE);
  const waiting = [...wins.keys()].find((id) => !framesOf(wins.values(), SMALL).has(id)) ?? "";
  const next = raise(wins, waiting, "im", 99, SMALL);
  assert.equal(next.get(waiting)?.stand, "normal");
  assert.ok(framesOf(next.values(), SMALL).has(waiting));
});

test("a window gets its place when it is first shown, and keeps it", () => {
  let wins: Wins = byId([fresh("a", 1, true), fresh("b", 2, true)]);
  assert.equal(framesOf(wins.values(), LARGE).size, 0);
  assert.equal(wins.get("a")?.share, null);
  wins = raise(raise(wins, "a", "im", 3, LARGE), "b", "im", 4, LARGE);
  assertApart([...framesOf(wins.values(), LARGE).values()], LARGE);
  const before = framesOf(wins.values(), LARGE).get("a");
  const a = wins.get("a");
  assert.ok(a);
  wins = raise(new Map(wins).set("a", { ...a, minimised: true }), "a", "im", 5, LARGE);
  assert.deepEqual(framesOf(wins.values(), LARGE).get("a"), before);
});

test("those opened on a narrow page are placed on the first desk", () => {
  const wins = placed(byId([fresh("a", 1, false), fresh("b", 2, true), fresh("c", 3, false)]), () => "im", LARGE);
  const frames = framesOf(wins.values(), LARGE);
  assert.deepEqual([...frames.keys()], ["a", "c"]);
  assertApart([...frames.values()], LARGE);
  assert.equal(placed(wins, () => "im", LARGE), wins, "nothing to do");
});

test("a smaller desk and back again changes nothing", () => {
  const wins = opened(3);
  const before = [...framesOf(wins.values(), LARGE)];
  for (const frame of framesOf(wins.values(), SMALL).values()) assert.ok(frame.x + frame.w <= SMALL.w && frame.y + frame.h <= SMALL.h, JSON.stringify(frame));
  assert.deepEqual([...framesOf(wins.values(), LARGE)], before);
});

test("a half and the whole desk follow its size, and lead back to the window's own place", () => {
  const win = { ...fresh("a", 1, false), share: shareOf({ x: 100, y: 50, w: 400, h: 500 }, LARGE), stand: "right" as const };
  assert.deepEqual(framesOf([win], LARGE).get("a"), { x: 541, y: 10, w: 521, h: 752 });
  assert.deepEqual(framesOf([win], SMALL).get("a"), { x: 391, y: 10, w: 371, h: 552 });
  assert.deepEqual(framesOf([{ ...win, stand: "normal" }], LARGE).get("a"), { x: 100, y: 50, w: 400, h: 500 });
});

test("parts of a desk are exact to the pixel on the desk they came from", () => {
  for (const frame of [{ x: 1, y: 2, w: 381, h: 459 }, { x: 333, y: 211, w: 500, h: 401 }]) assert.deepEqual(frameOf(shareOf(frame, LARGE), LARGE), frame);
});

test("what is kept comes back, through a setting", () => {
  const wins = tiled(opened(6), LARGE);
  const left = wins.get("t2");
  assert.ok(left);
  const all = [...new Map(wins).set("t2", { ...left, stand: "left", minimised: true }).values()];
  const back = restored(JSON.parse(JSON.stringify(keep(all))));
  assert.deepEqual(framesOf(back, LARGE), framesOf(all, LARGE));
  assert.deepEqual(back.map(({ id, stand, minimised, z }) => [id, stand, minimised, z]), all.map(({ id, stand, minimised, z }) => [id, stand, minimised, z]));
  assert.ok(JSON.stringify(keep(opened(60).values())).length < 6000, "it leaves room for other settings");
});

test("what is no desk is not taken", () => {
  for (const value of [null, 7, "x", [], [{ id: "a", x: 1, y: 1, w: 300, h: 300, z: 1, min: false }], { v: 3, wins: [["a", "normal", 0, 1, 0, 1]] }, { v: 2, wins: 7 }]) assert.deepEqual(restored(value), []);
  const odd = [["a", "upside", 0, 1, 0, 1], [7, "normal", 0, 1, 0, 1], ["b", "tile", 0, 1, 5, 2], ["c", "tile", 0, 1, 0, 1e9], ["d", "normal", 0, null, 0, 1], "e", ["f", "normal", 0, 1, 0, 1, -5, 0, 1, 1], ["g", "full", 1, 2, "x", {}, 0, 0, 0.5, 0.5]];
  assert.deepEqual(restored({ v: 2, wins: odd }).map(({ id, stand, share, minimised }) => [id, stand, share !== null, minimised]), [["f", "normal", false, false], ["g", "full", true, true]]);
});

test("a dock shows what has room, and never nothing", () => {
  assert.equal(dockRoom([], 1040), 0);
  assert.equal(dockRoom([200, 300, 500], 1016), 3, "as they fit");
  assert.equal(dockRoom([200, 300, 500], 1015), 2, "with the button");
  assert.equal(dockRoom([300, 300, 300, 300], 699), 1, "which needs room itself");
  assert.equal(dockRoom([500, 500], 90), 1);
  const twenty = Array.from({ length: 20 }, () => tileWidth("Noor Karimi", false));
  assert.ok(dockRoom(twenty, 1040) >= 5, `${dockRoom(twenty, 1040)}`);
  assert.ok(tileWidth("A room with a very long name indeed", true) <= 224 && tileWidth("x", false) >= 84);
});
