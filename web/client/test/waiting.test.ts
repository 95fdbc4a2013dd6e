// Messages on their way when a page is loaded anew: none is lost, none is sent twice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CallError } from "../src/net/http";
import { Outbox, type CommandError } from "../src/net/outbox";
import { addOutgoing, markTried } from "../src/state/own";
import { fromSnapshot } from "../src/state/reduce";
import { isShown, readWaiting, writeWaiting } from "../src/state/waiting";
import type { CommandBody, CommandFate } from "../src/wire/types";
import { attached, own, snapshot } from "./fixtures";

const out = { command: "c1", conversation: "t1", text: "tea?", time: "", state: "pending" as const, after: "m10", error: null };

test("what was written is read again, and what is none of it left", () => {
  const waiting = { client: "x", list: [{ ...out, tried: true }] };
  assert.deepEqual(readWaiting(writeWaiting(waiting)), waiting);
  for (const odd of [null, "", "{", "null", "[]", '{"client":1,"list":[]}', '{"client":"x"}']) assert.equal(readWaiting(odd), null);
  const mixed = JSON.stringify({ client: "x", list: [null, 7, {}, { ...out, state: "odd" }, { ...out, spans: "no" }, out] });
  assert.deepEqual(readWaiting(mixed)?.list, [out]);
});

test("one that the conversation shows is not taken up again", () => {
  const tried = { ...out, tried: true };
  assert.equal(isShown(tried, [own("m12", "tea?")]), true);
  assert.equal(isShown(tried, [own("m09", "tea?")]), false, "an older one with the same words");
  assert.equal(isShown(out, [own("m12", "tea?")]), false, "it never left");
});

test("a message is marked before it leaves", () => {
  const model = addOutgoing(addOutgoing(fromSnapshot(attached(1, snapshot())), out), { ...out, command: "c2" });
  assert.deepEqual(markTried(model, new Set(["c2"]), true).outgoing.get("t1")?.map((one) => one.tried ?? false), [false, true]);
});

/** An outbox, what it sent, and how what was given to it ended. */
function box(failures: CallError[] = []) {
  const posts: CommandBody[][] = [];
  const left: string[] = [];
  const outbox = new Outbox({
    post: (commands) => {
      posts.push(commands);
      const failure = failures.shift();
      if (failure) return Promise.reject(failure);
      return Promise.resolve({ accepted: commands.map((one) => one.id), rejected: [] });
    },
    later: () => () => undefined,
    wait: () => 1,
    refused: () => undefined,
    tried: (ids, tried) => left.push(...[...ids].map((id) => (tried ? id : `not ${id}`))),
  });
  const ended = new Map<string, unknown>();
  const send = (id: string, tried: boolean) => {
    outbox.send({ id, type: "message.send" }, null, tried).then((result) => ended.set(id, result), (error: CommandError) => ended.set(id, error.code));
  };
  return { outbox, posts, left, ended, send };
}

const turn = () => new Promise<void>((done) => setImmediate(done));

test("after a reload what had left is asked about and never sent again; what had not is sent once", async () => {
  const { outbox, posts, left, ended, send } = box();
  for (const id of ["told", "failed", "lost", "running"]) send(id, true);
  send("fresh", false);
  const fates: CommandFate[] = [
    { id: "told", state: "done" },
    { id: "failed", state: "failed", error: { code: "not_sent", message: "" } },
    { id: "running", state: "running" },
  ];
  outbox.resume(fates, false);
  await turn();
  assert.deepEqual(posts.flat().map((one) => one.id), ["fresh"]);
  assert.deepEqual(left, ["fresh"]);
  assert.deepEqual([...ended].sort(), [["failed", "not_sent"], ["lost", "unknown_fate"], ["told", null]]);
  outbox.observe([{ seq: 1, time: "", type: "command.done", origin: { client: "x", command: "running" } }], "x");
  await turn();
  assert.equal(ended.get("running"), null);
});

test("what nobody took has not left", async () => {
  const { outbox, left, posts, send } = box([new CallError(503, { code: "restarting", message: "", retry_ms: 5 })]);
  send("c1", false);
  outbox.resume([], false);
  await turn();
  assert.deepEqual([posts.length, left], [1, ["c1", "not c1"]]);
});

test("what has not left can be taken back, what has left not", async () => {
  const { outbox, posts, ended, send } = box();
  send("early", false);
  send("gone", true);
  assert.equal(outbox.takeBack("early"), true);
  assert.equal(outbox.takeBack("gone"), false);
  outbox.resume([], false);
  await turn();
  assert.deepEqual(posts, []);
  assert.equal(ended.get("early"), "taken_back");
});
