// Where new windows go.
import assert from "node:assert/strict";
import { test } from "node:test";
import { place, type Frame } from "../src/state/geometry";

const overlap = (a: Frame, b: Frame): boolean => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
const im = { w: 380, h: 460 };
const room = { w: 540, h: 440 };

/** Places them one after the other. */
function placed(area: { w: number; h: number }, sizes: readonly { w: number; h: number }[]): Frame[] {
  return sizes.reduce((frames: Frame[], size) => [...frames, place(size, frames, area)], []);
}

test("windows stand side by side as long as there is room, lower if need be", () => {
  const frames = placed({ w: 1072, h: 772 }, [im, room, im]);
  for (const [at, one] of frames.entries()) {
    for (const other of frames.slice(at + 1)) assert.ok(!overlap(one, other), JSON.stringify(frames));
    assert.ok(one.x >= 0 && one.y >= 0 && one.x + one.w <= 1072 && one.y + one.h <= 772 && one.h >= 270, JSON.stringify(one));
  }
});

test("where there is none, a title bar is hidden last", () => {
  const full: Frame = { x: 0, y: 0, w: 1000, h: 600 };
  const at = place(im, [full], { w: 1000, h: 600 });
  assert.ok(at.y >= 54, JSON.stringify(at));
});
