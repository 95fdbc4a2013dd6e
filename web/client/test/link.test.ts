// The link against a scripted daemon: order, acknowledgements, resets, supersession, outages; time is the test's own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { waitAfter } from "../src/net/backoff";
import { CallError } from "../src/net/http";
import { accept, begin, fateOf, settle } from "./daemon";
import { event } from "./fixtures";

test("attach, then polls that count up and acknowledge what was processed", async () => {
  const { daemon, events } = await begin();
  assert.deepEqual(daemon.held.query, { client: "tab0", epoch: "e1", after: 0, n: 1 });
  daemon.held.answer({ events: [event(3, "mail"), event(7, "mail")] });
  await settle();
  assert.deepEqual(daemon.held.query, { client: "tab0", epoch: "e1", after: 7, n: 2 });
  daemon.held.answer({ events: [event(7, "mail"), event(9, "mail")] });
  await settle();
  assert.deepEqual(events.map((one) => one.seq), [3, 7, 9]);
  daemon.held.answer({ events: [], end: "hold" });
  await settle();
  assert.deepEqual(daemon.held.query, { client: "tab0", epoch: "e1", after: 9, n: 4 });
});

test("a poll is given up ten seconds after the hold, and tried again after a wait", async () => {
  const { daemon, states } = await begin();
  daemon.fire(1000 + 10_000);
  await settle();
  assert.ok(daemon.held.signal.aborted);
  assert.equal(states.at(-1), "offline");
  daemon.fire(100);
  await settle();
  assert.equal(daemon.polls.length, 2);
  daemon.held.answer({ events: [], end: "hold" });
  await settle();
  assert.equal(states.at(-1), "live");
});

for (const reset of ["gap", "epoch", "client"] as const) {
  test(`reset ${reset}: attach again and go on from the new snapshot`, async () => {
    const { daemon } = await begin();
    daemon.seq = 50;
    daemon.epoch = reset === "epoch" ? "e2" : "e1";
    daemon.held.answer({ reset });
    await settle();
    assert.deepEqual(daemon.attaches, ["tab0", "tab0"]);
    assert.equal(daemon.held.query.after, 50);
    assert.equal(daemon.held.query.epoch, daemon.epoch);
  });
}

test("superseded without a newer poll of its own: a duplicated tab takes a new name", async () => {
  const { daemon } = await begin();
  daemon.held.answer({ events: [], end: "superseded" });
  await settle();
  assert.deepEqual(daemon.attaches, ["tab0", "tab1"]);
  assert.deepEqual(daemon.held.query, { client: "tab1", epoch: "e1", after: 0, n: 1 });
});

test("restart: wait as long as told, then poll on", async () => {
  const { daemon } = await begin();
  daemon.held.answer({ events: [], end: "restart", retry_ms: 777 });
  await settle();
  assert.equal(daemon.polls.length, 1);
  daemon.fire(777);
  await settle();
  assert.equal(daemon.polls.length, 2);
});

test("the end of the session leads out", async () => {
  const first = await begin();
  first.daemon.held.answer({ events: [], end: "auth" });
  await settle();
  assert.deepEqual(first.ended, ["signed_out"]);
  const second = await begin();
  second.daemon.held.fail(new CallError(401, { code: "session_ended", message: "" }));
  await settle();
  assert.deepEqual(second.ended, ["session_ended"]);
  assert.equal(second.daemon.polls.length, 1);
});

test("leaving says so, and coming back attaches anew", async () => {
  const { daemon, link } = await begin();
  link.leave();
  assert.deepEqual(daemon.detached, ["tab0"]);
  await settle();
  link.comeBack();
  await settle();
  assert.equal(daemon.attaches.length, 2);
});

test("a page that went away before it was attached comes back like any other, one that was signed out does not", async () => {
  const { daemon, link } = await begin();
  link.stop();
  link.start();
  link.leave();
  link.comeBack();
  link.comeBack();
  await settle();
  const attaches = daemon.attaches.length;
  assert.ok(attaches >= 2);
  assert.equal(daemon.polls.length, 2);
  link.stop();
  link.leave();
  link.comeBack();
  await settle();
  assert.equal(daemon.attaches.length, attaches);
});

test("the network is back: what is left of a wait is skipped", async () => {
  const { daemon, link } = await begin();
  daemon.held.fail(new TypeError("network"));
  await settle();
  link.nudge();
  await settle();
  assert.equal(daemon.polls.length, 2);
});

test("commands of one turn share a POST, the next waits for its answer, outcomes come as events", async () => {
  const { daemon, link } = await begin();
  const one = fateOf(link.outbox.send({ id: "c1", type: "status.set" }));
  const two = fateOf(link.outbox.send({ id: "c2", type: "status.set" }));
  await settle();
  const three = fateOf(link.outbox.send({ id: "c3", type: "status.set" }));
  await settle();
  assert.deepEqual(daemon.posts.map((post) => post.commands.map((command) => command.id)), [["c1", "c2"]]);
  accept(daemon.posted);
  await settle();
  assert.deepEqual(daemon.posted.commands.map((command) => command.id), ["c3"]);
  daemon.posted.answer({ accepted: [], rejected: [{ id: "c3", error: { code: "bad_field", message: "", field: "text" } }] });
  const origin = (command: string) => ({ origin: { client: "tab0", command } });
  daemon.held.answer({ events: [event(1, "command.done", { ...origin("c1"), result: { conversation: "t1" } }), event(2, "command.failed", { ...origin("c2"), error: { code: "not_connected", message: "" } })] });
  await settle();
  assert.deepEqual(await one, { result: { conversation: "t1" } });
  assert.deepEqual(await two, { code: "not_connected", unknown: false });
  assert.deepEqual(await three, { code: "bad_field", unknown: false });
});

test("busy: that command and all after it go again, in order, with the same ids", async () => {
  const { daemon, link } = await begin();
  for (const id of ["c1", "c2", "c3"]) void fateOf(link.outbox.send({ id, type: "status.set" }));
  await settle();
  const busy = { code: "busy", message: "", retry_ms: 321 };
  daemon.posted.answer({ accepted: ["c1"], rejected: [{ id: "c2", error: busy }, { id: "c3", error: busy }] });
  await settle();
  assert.equal(daemon.posts.length, 1);
  daemon.fire(321);
  await settle();
  assert.deepEqual(daemon.posted.commands.map((command) => command.id), ["c2", "c3"]);
});

test("a POST without an answer is repeated with the same ids", async () => {
  const { daemon, link } = await begin();
  void fateOf(link.outbox.send({ id: "c1", type: "status.set" }));
  await settle();
  daemon.posted.fail(new CallError(0, { code: "no_answer", message: "" }));
  await settle();
  daemon.fire(100);
  await settle();
  assert.deepEqual(daemon.posts.map((post) => post.commands[0]?.id), ["c1", "c1"]);
});

test("after an attach in another epoch: fates told are taken, the others are unknown, the unsent are sent", async () => {
  const { daemon, link } = await begin();
  const done = fateOf(link.outbox.send({ id: "c1", type: "status.set" }));
  const lost = fateOf(link.outbox.send({ id: "c2", type: "status.set" }));
  const running = fateOf(link.outbox.send({ id: "c3", type: "status.set" }));
  await settle();
  accept(daemon.posted);
  await settle();
  const mid = fateOf(link.outbox.send({ id: "c4", type: "status.set" }));
  await settle();
  daemon.posted.fail(new CallError(0, { code: "no_answer", message: "" }));
  await settle();
  const unsent = fateOf(link.outbox.send({ id: "c5", type: "status.set" }));
  await settle();
  daemon.epoch = "e2";
  daemon.fates = [{ id: "c1", state: "done", result: { account: "a" } }, { id: "c3", state: "running" }];
  daemon.held.answer({ reset: "epoch" });
  await settle();
  assert.deepEqual(await done, { result: { account: "a" } });
  assert.deepEqual(await lost, { code: "unknown_fate", unknown: true });
  assert.deepEqual(await mid, { code: "unknown_fate", unknown: true });
  assert.deepEqual(daemon.posted.commands.map((command) => command.id), ["c5"]);
  accept(daemon.posted);
  await settle();
  const origin = (command: string) => ({ origin: { client: "tab0", command } });
  daemon.held.answer({ events: [event(1, "command.done", origin("c3")), event(2, "command.done", origin("c5"))] });
  await settle();
  assert.deepEqual(await running, { result: null });
  assert.deepEqual(await unsent, { result: null });
});

test("within an epoch an unanswered POST is repeated after an attach: the daemon knows the ids", async () => {
  const { daemon, link } = await begin();
  void fateOf(link.outbox.send({ id: "c1", type: "status.set" }));
  await settle();
  daemon.posted.fail(new CallError(0, { code: "no_answer", message: "" }));
  await settle();
  daemon.held.answer({ reset: "gap" });
  await settle();
  assert.deepEqual(daemon.posts.map((post) => post.commands[0]?.id), ["c1", "c1"]);
});

test("a daemon that forgot the client is attached to again, then the commands go", async () => {
  const { daemon, link } = await begin();
  void fateOf(link.outbox.send({ id: "c1", type: "status.set" }));
  await settle();
  daemon.posted.fail(new CallError(409, { code: "no_such_client", message: "" }));
  await settle();
  assert.equal(daemon.attaches.length, 2);
  assert.deepEqual(daemon.posts.map((post) => post.commands[0]?.id), ["c1", "c1"]);
});

test("one malformed command does not take its neighbours along", async () => {
  const { daemon, link } = await begin();
  const bad = fateOf(link.outbox.send({ id: "c1", type: "status.set" }));
  void fateOf(link.outbox.send({ id: "c2", type: "status.set" }));
  await settle();
  daemon.posted.fail(new CallError(400, { code: "bad_json", message: "" }));
  await settle();
  assert.equal(daemon.posts.length, 3);
  daemon.posts[1]?.fail(new CallError(400, { code: "bad_json", message: "" }));
  daemon.posts[2]?.answer({ accepted: ["c2"], rejected: [] });
  assert.deepEqual(await bad, { code: "bad_json", unknown: false });
});

test("a newer command of the same subject replaces one that has not left", async () => {
  const { daemon, link } = await begin();
  void fateOf(link.outbox.send({ id: "c0", type: "status.set" }));
  await settle();
  const old = fateOf(link.outbox.send({ id: "c1", type: "typing.set" }, "typing"));
  void fateOf(link.outbox.send({ id: "c2", type: "typing.set" }, "typing"));
  accept(daemon.posted);
  await settle();
  assert.deepEqual(daemon.posted.commands.map((command) => command.id), ["c2"]);
  assert.deepEqual(await old, { code: "replaced", unknown: false });
});

test("waits grow, are spread, and have a ceiling", () => {
  assert.ok(waitAfter(1, () => 1) <= 1000);
  assert.equal(waitAfter(20, () => 1), 30_000);
  assert.ok(waitAfter(5, () => 0) < waitAfter(5, () => 1));
});

test("a refusal is told, and tried again only when that is asked for", async () => {
  const { daemon, link, states, refusals } = await begin();
  const refused = new CallError(403, { code: "cross_origin", message: "Pass the Host header on." });
  daemon.refusal = refused;
  // A poll that is refused attaches first: the daemon may only have forgotten this tab.
  daemon.held.fail(refused);
  await settle();
  assert.equal(states.at(-1), "offline");
  daemon.fire(100);
  await settle();
  assert.deepEqual([states.at(-1), daemon.attaches.length, refusals], ["refused", 2, [refused]]);
  const sent = fateOf(link.outbox.send({ id: "c1", type: "status.set" }));
  await settle();
  assert.deepEqual([daemon.attaches.length, daemon.posts.length, daemon.timers.length], [2, 0, 0], "nothing by itself");
  link.again();
  await settle();
  assert.deepEqual([states.at(-1), daemon.attaches.length], ["refused", 3]);
  daemon.refusal = null;
  // The page is looked at again.
  link.nudge();
  await settle();
  assert.equal(states.at(-1), "live");
  assert.equal(daemon.posts.length, 1, "what was typed meanwhile goes out");
  accept(daemon.posted);
  daemon.held.answer({ events: [event(3, "command.done", { origin: { client: "tab0", command: "c1" } })] });
  assert.deepEqual(await sent, { result: null });
});

for (const status of [408, 425, 429, 500, 502, 504, 0]) {
  test(`an attach that fails with ${status} is tried again by itself, and it is said why`, async () => {
    const { daemon, states, link } = await begin();
    daemon.refusal = new CallError(status, { code: `http_${status}`, message: "" });
    daemon.held.answer({ reset: "client" });
    await settle();
    assert.equal(states.at(-1), "offline");
    assert.equal(daemon.attaches.length, 2);
    daemon.refusal = null;
    daemon.fire(100);
    await settle();
    assert.equal(states.at(-1), "live");
    link.stop();
  });
}
