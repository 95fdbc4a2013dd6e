// The text that a search shows of a hit, and the query that it sends to the daemon.
import assert from "node:assert/strict";
import { test } from "node:test";
import { queryOf, sameAsked, snippet } from "../src/state/hits";

const drawn = (text: string, ranges: [number, number][]): string => snippet(text, ranges).map((piece) => (piece.hit ? `[${piece.text}]` : piece.text)).join("");

test("a short text is shown whole, with its hits", () => {
  assert.equal(drawn("the roses are red", [[4, 9], [14, 17]]), "the [roses] are [red]");
  assert.equal(drawn("roses", [[0, 5]]), "[roses]");
  assert.equal(drawn("a\nb", [[2, 3]]), "a [b]");
  assert.equal(drawn("🌹🌹 rose", [[5, 9]]), "🌹🌹 [rose]");
  assert.equal(drawn("nothing is marked", []), "nothing is marked");
});

test("of a long text the part around the first hit is shown, from the beginning of a word", () => {
  const text = `${"lorem ipsum ".repeat(40)}here is the rose${" dolor sit".repeat(40)}`;
  const at = text.indexOf("rose");
  const out = drawn(text, [[at, at + 4]]);
  assert.match(out, /^…(lorem|ipsum) .*here is the \[rose\] dolor.*…$/);
  assert.ok(out.length < 240);
});

test("ranges that overlap, lie outside or touch do no harm", () => {
  assert.equal(drawn("abcdef", [[0, 3], [2, 4], [4, 6]]), "[abc][d][ef]");
  assert.equal(drawn("abc", [[5, 9]]), "abc");
  assert.equal(drawn("abc", [[2, 99]]), "ab[c]");
});

test("days are whole days here, and what is empty is not asked for", () => {
  const asked = queryOf({ q: " rose ", account: "", from: " ", since: "2026-11-30", until: "2026-11-30" });
  assert.deepEqual(Object.keys(asked).sort(), ["q", "since", "until"]);
  assert.equal(asked["q"], "rose");
  assert.equal(Date.parse(asked["until"] ?? "") - Date.parse(asked["since"] ?? ""), 86_400_000);
  assert.deepEqual(queryOf({ q: "x", since: "yesterday" }), { q: "x" });
});

test("the same question is the same, however it is written down", () => {
  assert.ok(sameAsked({ q: "a ", account: "" }, { q: "a" }));
  assert.ok(sameAsked({ q: "a", since: "2026-11-30" }, { q: "a", since: new Date(2026, 10, 30).toISOString() }), "as the daemon keeps it");
  assert.ok(!sameAsked({ q: "a" }, { q: "a", from: "ines" }));
});
