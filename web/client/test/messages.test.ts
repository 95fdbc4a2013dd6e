// Order and union of messages, and what a conversation shows of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isCrowd, logItems } from "../src/state/log";
import { compareIds, insertMessage, isSystem, mergeMessages, preview } from "../src/state/messages";
import { message, own } from "./fixtures";

test("ids compare as text, plain numbers as numbers", () => {
  assert.ok(compareIds("a9", "b1") < 0);
  assert.ok(compareIds("9", "10") < 0);
  assert.ok(compareIds("0010", "9") > 0);
  assert.equal(compareIds("x", "x"), 0);
});

test("a late message finds its place, a known one is replaced", () => {
  const list = [message("m10", "a"), message("m30", "c")];
  assert.deepEqual(insertMessage(list, message("m20", "b")).map((one) => one.text), ["a", "b", "c"]);
  assert.deepEqual(insertMessage(list, message("m30", "C")).map((one) => one.text), ["a", "C"]);
});

test("a union has each message once, the newer view of it", () => {
  const merged = mergeMessages([message("m10", "old"), message("m20", "b")], [message("m10", "new"), message("m30", "c")]);
  assert.deepEqual(merged.map((one) => one.text), ["new", "b", "c"]);
});

const at = (id: string, text: string, time: string, more = {}) => message(id, text, { time, ...more });

test("messages of one person close together make a group, days and the unread line part them", () => {
  const items = logItems(
    [
      at("m1", "a", "2026-11-20T10:00:00"),
      at("m2", "b", "2026-11-20T10:01:00"),
      at("m3", "c", "2026-11-20T10:20:00"),
      at("m4", "d", "2026-11-21T10:00:00"),
    ],
    [],
    "m3",
  );
  assert.deepEqual(items.map((item) => (item.kind === "message" ? `${item.message.id}${item.first ? "<" : ""}${item.last ? ">" : ""}` : item.kind)), ["day", "m1<", "m2>", "m3<>", "day", "unread", "m4<>"]);
});

test("comings and goings in a row become one line", () => {
  const system = { system: true, from: { name: "", self: false } };
  const items = logItems(
    [at("m1", "otto entered the room.", "2026-11-20T10:00:00", system), at("m2", "wren left the room.", "2026-11-20T10:00:01", system), at("m3", "The topic is: x", "2026-11-20T10:00:02", system)],
    [],
    null,
  );
  assert.deepEqual(items.map((item) => (item.kind === "system" ? item.count : item.kind)), ["day", 2, 1]);
  assert.equal(isCrowd(message("m9", "I left the room")), false);
  assert.equal(isSystem(message("m9", "mine", { state: "unknown", from: { name: "", self: true } })), false, "own words are no line of the network's");
});

test("what is said about the topic becomes one line of its own, apart from comings and goings", () => {
  const system = { system: true, from: { name: "", self: false } };
  const about = { ...system, topic: true };
  const items = logItems(
    [
      at("m1", "otto entered the room.", "2026-11-20T10:00:00", system), at("m2", "The topic for #x is: who left?", "2026-11-20T10:00:01", about), at("m3", "Topic for #x set by otto", "2026-11-20T10:00:02", about),
      at("m4", "wren left the room.", "2026-11-20T10:00:03", system), at("m5", "otto has changed the topic to: left", "2026-11-20T10:00:04", about),
    ],
    [],
    null,
  );
  assert.deepEqual(items.map((item) => (item.kind === "system" ? [item.count, item.message.topic === true] : item.kind)), ["day", [1, false], [2, true], [1, false], [1, true]]);
});

test("own messages under way join the group of the last own one", () => {
  const out = { command: "c1", conversation: "t1", text: "x", time: "", state: "pending" as const, after: null, error: null };
  const items = logItems([own("m1", "a")], [out, { ...out, command: "c2" }], null);
  const rows = items.flatMap((item) => (item.kind === "outgoing" ? [[item.first, item.last]] : []));
  assert.deepEqual(rows, [[false, false], [false, true]]);
});

test("the last line of a room names its writer, but not the network", () => {
  const bob = { from: { name: "bob", self: false } };
  assert.equal(preview(message("m1", "hello", bob), true), "bob: hello");
  assert.equal(preview(message("m1", "hello", bob), false), "hello");
  assert.equal(preview(own("m1", "hello"), true), "hello");
  assert.equal(preview(message("m1", "bob left", { system: true, from: { name: "#lounge", self: false } }), true), "bob left");
});
