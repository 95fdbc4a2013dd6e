// How much of a history is held, and where its gaps show.
import assert from "node:assert/strict";
import { test } from "node:test";
import { logItems } from "../src/state/log";
import type { Talk } from "../src/state/model";
import { around, isWhole, joinGaps, MOST, newer, newest, older, placeGaps, TAIL, trimmed } from "../src/state/past";
import type { Gap } from "../src/wire/types";
import { conversation, message } from "./fixtures";

const id = (n: number): string => `m${String(n).padStart(6, "0")}`;
/** Messages of these numbers, the last one excluded. */
const run = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => message(id(from + at), `no ${from + at}`, { time: "2026-11-22T20:00:00.000Z" }));
const talk = (from: number, to: number): Talk => ({ ...conversation("t1"), messages: run(from, to), more: true, gap: null, past: null });
const ids = (list: readonly { id: string }[]) => [list[0]?.id, list.at(-1)?.id, list.length];
const answer = (from: number, to: number, more: boolean, gaps: Gap[] = []) => ({ messages: run(from, to), more, gaps });

/** Scrolls up through 10 000 messages and down again, a page at a time. */
test("however far one scrolls, what is held is bounded, and all of it comes by", () => {
  let now = talk(9950, 10_000);
  const seen = new Set<string>();
  const look = () => {
    const shown = now.past ?? now;
    assert.ok(shown.messages.length <= MOST && now.messages.length <= MOST);
    for (let at = 1; at < shown.messages.length; at++) assert.equal(Number(shown.messages[at]?.id.slice(1)), Number(shown.messages[at - 1]?.id.slice(1)) + 1, "no hole");
    for (const one of shown.messages) seen.add(one.id);
  };
  for (let from = 9950; from > 0; from = Number((now.past ?? now).messages[0]?.id.slice(1))) {
    now = older(now, answer(Math.max(0, from - 50), from, from > 50), true);
    look();
  }
  assert.equal(seen.size, 10_000);
  assert.equal((now.past ?? now).more, false);
  assert.deepEqual(ids(now.messages), [id(10_000 - TAIL), id(9999), TAIL]);
  for (let rounds = 0; now.past; rounds++) {
    assert.ok(rounds < 300);
    const after = Number(now.past.messages.at(-1)?.id.slice(1));
    now = newer(now, answer(after + 1, Math.min(10_000, after + 51), after + 51 < 10_000));
    look();
  }
  assert.equal(now.messages.at(-1)?.id, id(9999));
  assert.equal(now.more, true);
});

test("what comes meanwhile is there when one is back", () => {
  let now = older(talk(500, 1000), answer(300, 500, true), true);
  assert.deepEqual(ids(now.past?.messages ?? []), [id(300), id(899), MOST]);
  now = { ...now, messages: [...now.messages, message(id(1000), "new")] };
  assert.deepEqual(ids(newest(now).messages), [id(880), id(1000), TAIL + 1]);
  assert.equal(newest(now).past, null);
  assert.equal(newest(now).more, true);
});

test("what can be had nowhere else is not let go", () => {
  const now = older(talk(500, 1000), answer(300, 500, false), false);
  assert.deepEqual([ids(now.messages), now.past, now.more], [[id(300), id(999), 700], null, false]);
  assert.equal(trimmed(now, false), now);
  assert.deepEqual(ids(trimmed(now, true).messages), [id(880), id(999), TAIL]);
  assert.equal(isWhole({ id: "g", name: "", guest: true }, {}), false);
  assert.equal(isWhole({ id: "u", name: "", guest: false }, { keep: false }), false);
  assert.equal(isWhole({ id: "u", name: "", guest: false }, {}), true);
});

test("a page without messages ends the history, whatever it says", () => {
  assert.equal(older(talk(0, 5), answer(0, 0, true), true).more, false);
});

const gap = (after: number | null, before: number | null, from: string, more: Partial<Gap> = {}): Gap => ({ after: after === null ? null : id(after), before: before === null ? null : id(before), from, to: null, why: "offline", ...more });

test("gaps stand between the messages that they part, and only there", () => {
  const messages = run(10, 13);
  const places = (one: Gap) => [...placeGaps(messages, [one]).keys()];
  assert.deepEqual(places(gap(10, 11, "2026-11-22T20:00:00Z")), [1]);
  assert.deepEqual(places(gap(12, null, "2026-11-22T20:00:00Z")), [3], "it goes on");
  assert.deepEqual(places(gap(9, 10, "2026-11-22T20:00:00Z")), [0], "before the first shown");
  assert.deepEqual(places(gap(3, 4, "2026-11-22T20:00:00Z")), [], "elsewhere in the history");
  assert.deepEqual(places(gap(null, 10, "2026-11-22T20:00:00Z")), [0]);
  assert.deepEqual([...placeGaps([], [gap(null, null, "2026-11-22T20:00:00Z")]).keys()], [0]);
});

test("a gap that ends replaces the one that began, others stay, in their order", () => {
  const began = gap(10, null, "2026-11-22T20:00:00Z");
  const ended = { ...began, to: "2026-11-22T21:00:00Z", before: id(11) };
  const other = gap(5, 6, "2026-11-22T10:00:00Z", { why: "restart" });
  assert.deepEqual(joinGaps([began], [ended, other]), [other, ended]);
  assert.equal(joinGaps(undefined, undefined), undefined);
});

test("gaps with nothing said between them are one line", () => {
  const gaps = [gap(10, 11, "2026-11-22T20:00:00Z", { to: "2026-11-22T20:10:00Z" }), gap(10, 11, "2026-11-22T20:20:00Z", { to: "2026-11-22T20:30:00Z", why: "restart" })];
  const items = logItems(run(10, 12), [], null, gaps);
  assert.deepEqual(items.map((item) => item.kind), ["day", "message", "gap", "message"]);
  const line = items.find((item) => item.kind === "gap");
  assert.ok(line?.kind === "gap");
  assert.deepEqual([line.from, line.to, line.why], ["2026-11-22T20:00:00Z", "2026-11-22T20:30:00Z", ["offline", "restart"]]);
  const [, before, , after] = items;
  assert.ok(before?.kind === "message" && before.last && after?.kind === "message" && after.first, "it parts the bubbles");
});

test("a message far back is shown with what is around it, one near the end among the newest", () => {
  const now = talk(9000, 9050);
  const far = around(now, { ...answer(100, 160, true), more_after: true }, true);
  assert.deepEqual([ids(far.past?.messages ?? []), far.past?.more], [[id(100), id(159), 60], true]);
  assert.deepEqual(ids(far.messages), [id(9000), id(9049), 50]);
  const near = around(now, { ...answer(8970, 9030, true), more_after: true }, true);
  assert.deepEqual([ids(near.messages), near.past, near.more], [[id(8970), id(9049), 80], null, true]);
  const first = around({ ...now, more: false }, { ...answer(9010, 9040, true), more_after: true }, true);
  assert.equal(first.more, false, "what is older was known before");
  const last = around(talk(9000, 9000), { ...answer(10, 20, true), more_after: false }, true);
  assert.deepEqual([ids(last.messages), last.past], [[id(10), id(19), 10], null]);
  const lone = around(talk(9000, 9000), { ...answer(10, 20, true), more_after: true }, true);
  assert.deepEqual([lone.messages.length, ids(lone.past?.messages ?? [])], [0, [id(10), id(19), 10]]);
  const many = around(talk(8460, 9050), { ...answer(8410, 8470, true), more_after: true }, true);
  assert.ok(many.messages.length <= MOST && (many.past?.messages.length ?? 0) <= MOST);
  assert.equal(many.past?.messages[0]?.id, id(8410));
  assert.deepEqual(ids(around(now, { ...answer(0, 0, false), more_after: false }, true).messages), [id(9000), id(9049), 50]);
});
