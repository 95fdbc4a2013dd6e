// Drafts of two browsers: none is lost, and the newer one shows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { NOTHING, readDraft, reconcile } from "../src/state/draft";

const draft = (text: string, at = 0) => ({ text, at });

test("a text that nobody changed here gives way to what was typed elsewhere", () => {
  assert.deepEqual(reconcile(NOTHING, draft("from the phone", 5), ""), { show: draft("from the phone", 5), offer: null });
  assert.deepEqual(reconcile(draft("tea", 9), draft("tea?", 5), "tea"), { show: draft("tea?", 5), offer: null });
});

test("what others know already is not put over what was typed since", () => {
  assert.deepEqual(reconcile(draft("tea, please", 9), draft("tea", 5), "tea"), { show: draft("tea, please", 9), offer: null });
  assert.deepEqual(reconcile(NOTHING, draft("sent already", 5), "sent already"), { show: NOTHING, offer: null });
});

test("of two texts the newer one shows, and the other is offered", () => {
  assert.deepEqual(reconcile(draft("here", 9), draft("there", 5), ""), { show: draft("here", 9), offer: "there" });
  assert.deepEqual(reconcile(draft("here", 5), draft("there", 9), ""), { show: draft("there", 9), offer: "here" });
});

test("one that was taken back elsewhere takes no other one along", () => {
  assert.deepEqual(reconcile(draft("changed here", 9), NOTHING, "before"), { show: draft("changed here", 9), offer: null });
});

test("whatever stands in the settings is read or left", () => {
  assert.deepEqual(readDraft("mere text"), draft("mere text"));
  assert.deepEqual(readDraft({ text: "x", at: 3, known: "y" }), draft("x", 3));
  for (const odd of [null, undefined, 7, {}, { text: 5 }, [], { text: "x", at: "y" }]) assert.equal(readDraft(odd).at, 0);
});
