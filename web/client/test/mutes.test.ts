import assert from "node:assert/strict";
import { test } from "node:test";
import { holding, muteKey, mutesOf, nextEnd } from "../src/state/mutes";
import { inAnHour, tomorrow } from "../src/state/quiet";

test("mutes are read from the settings, and what is none is left alone", () => {
  const mutes = mutesOf({ [muteKey("c1")]: { until: 500 }, [muteKey("a1")]: { until: null }, "mute.c2": true, "mute.c3": { until: "x" }, "mute.c4": null, "draft.c1": { until: 1 }, theme: "dark" });
  assert.deepEqual([...mutes], [["c1", 500], ["a1", null]]);
});

test("a mute holds until its time, and the first end is known", () => {
  const mutes = new Map([["a", 500], ["b", 900], ["c", null]]);
  assert.deepEqual([...holding(mutes, 499).keys()], ["a", "b", "c"]);
  assert.deepEqual([...holding(mutes, 500).keys()], ["b", "c"]);
  assert.deepEqual([nextEnd(mutes, 0), nextEnd(mutes, 500), nextEnd(mutes, 900)], [500, 900, null]);
});

test("tomorrow is the next day's morning, wherever the browser is", () => {
  for (const hour of [0, 7, 8, 23]) {
    const now = new Date(2026, 9, 24, hour, 59).getTime();
    const then = new Date(tomorrow(now));
    assert.deepEqual([then.getFullYear(), then.getMonth(), then.getDate(), then.getHours(), then.getMinutes()], [2026, 9, 25, 8, 0]);
  }
  assert.equal(inAnHour(1000) - 1000, 3_600_000);
});
