// What the link makes of a stream: events, ends, breaks, and what comes too late.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CallError } from "../src/net/http";
import { asking, beat, chat, FIRST, following, page, type Page, send, SILENCE } from "./busy";
import { accept, fateOf, heartbeat, settle, told, word } from "./daemon";
import { event } from "./fixtures";

test("events come grouped by arrival, each once, and tell the fate of commands", async () => {
  const opened = await following();
  const { daemon, link, events, groups } = opened;
  const sent = fateOf(link.outbox.send({ id: "c1", type: "status.set" }));
  await settle();
  accept(daemon.posted);
  const before = groups.length;
  await send(opened, told(event(4, "mail"), event(5, "mail"), event(8, "command.done", { origin: { client: "tab0", command: "c1" } })));
  assert.deepEqual(await sent, { result: null });
  const nine = told(event(9, "mail"));
  await send(opened, nine.slice(0, 20));
  await send(opened, nine.slice(20));
  await send(opened, nine + heartbeat());
  assert.deepEqual(events.map((one) => one.seq), [1, 2, 3, 4, 5, 8, 9]);
  assert.deepEqual(groups.slice(before), [2, 1]);
  assert.equal(daemon.polls.length, 4);
  daemon.followed.close();
  await settle();
  assert.deepEqual(daemon.held.query, { client: "tab0", epoch: "e1", after: 9, n: 6 });
});

for (const [what, breaks] of [
  ["falls silent for two and a half heartbeats", ({ daemon }: Page) => daemon.fire(SILENCE)],
  ["is cut off", ({ daemon }: Page) => daemon.followed.close()],
  ["breaks", ({ daemon }: Page) => daemon.followed.fail()],
  ["says what cannot be read", ({ daemon }: Page) => daemon.followed.send("data: {\n\n")],
] as const) {
  test(`a stream that ${what} is followed by a poll at once; only if that fails the page is offline`, async () => {
    const opened = await following();
    const { daemon, states } = opened;
    breaks(opened);
    await settle();
    assert.ok(daemon.followed.signal.aborted);
    assert.equal(daemon.held.query.n, 6);
    assert.equal(states.at(-1), "live");
    daemon.held.fail(new TypeError("network"));
    await settle();
    assert.equal(states.at(-1), "offline");
    daemon.fire(100);
    await settle();
    await chat(opened, 1);
    assert.equal(states.at(-1), "live");
  });
}

test("every arrival puts the silence off", async () => {
  const opened = await following();
  await beat(opened);
  await send(opened, ": a comment\n");
  assert.equal(opened.daemon.timers.filter((timer) => timer.ms === SILENCE).length, 1);
  assert.equal(opened.daemon.timers.filter((timer) => timer.ms === FIRST).length, 0);
});

for (const reset of ["gap", "epoch", "client"] as const) {
  test(`reset ${reset} on a stream: attach again and go on from the new snapshot`, async () => {
    const opened = await following();
    opened.daemon.seq = 50;
    opened.daemon.epoch = reset === "epoch" ? "e2" : "e1";
    await send(opened, word("reset", { reset }));
    assert.deepEqual(opened.daemon.attaches, ["tab0", "tab0"]);
    assert.deepEqual(opened.daemon.held.query, { client: "tab0", epoch: opened.daemon.epoch, after: 50, n: 6 });
  });
}

test("superseded on a stream: a new name", async () => {
  const opened = await following();
  await send(opened, word("end", { end: "superseded" }));
  assert.deepEqual(opened.daemon.attaches, ["tab0", "tab1"]);
  assert.deepEqual(opened.daemon.held.query, { client: "tab1", epoch: "e1", after: 0, n: 1 });
});

test("restart on a stream: wait as long as told", async () => {
  const opened = await following();
  const polls = opened.daemon.polls.length;
  await send(opened, word("end", { end: "restart", retry_ms: 777 }));
  assert.equal(opened.states.at(-1), "catching-up");
  assert.equal(opened.daemon.polls.length, polls);
  opened.daemon.fire(777);
  await settle();
  assert.equal(opened.daemon.polls.length, polls + 1);
});

test("the end of the session on a stream leads out", async () => {
  const opened = await following();
  await send(opened, word("end", { end: "auth" }));
  assert.deepEqual(opened.ended, ["signed_out"]);
});

test("leaving ends a stream and a probe, says so, and coming back attaches anew", async () => {
  const opened = await following();
  const { daemon, link, states, events } = opened;
  link.leave();
  assert.deepEqual(daemon.detached, ["tab0"]);
  assert.ok(daemon.followed.signal.aborted);
  const before = [states.length, events.length, daemon.posts.length];
  await send(opened, told(event(70, "mail")) + heartbeat());
  assert.deepEqual([states.length, events.length, daemon.posts.length], before);
  daemon.seq = 20;
  link.comeBack();
  await settle();
  assert.equal(daemon.attaches.length, 2);
  assert.deepEqual(daemon.held.query, { client: "tab0", epoch: "e1", after: 20, n: 6 });
  await chat(opened, 3);
  assert.equal(daemon.opened.length, 2, "it is still known that streams get through");
  for (let times = 3; times < 6; times++) {
    link.leave();
    link.comeBack();
    await settle();
    await chat(opened, 3);
    assert.equal(daemon.opened.length, times, "a stream that was left did not break");
  }

  const probing = await page();
  await chat(probing);
  probing.link.leave();
  assert.ok(probing.daemon.probes[0]?.signal.aborted);
  await settle();
  probing.link.comeBack();
  await settle();
  await chat(probing, 1);
  assert.equal(probing.daemon.probes.length, 2, "a probe that was left says nothing");
});

test("what was on its way when the link started anew is not taken", async () => {
  const opened = await following();
  const { daemon, link, events } = opened;
  const old = daemon.followed;
  // It arrives in the same moment.
  old.send(told(event(90, "mail")) + word("end", { end: "superseded" }));
  link.leave();
  link.comeBack();
  await settle();
  assert.deepEqual([daemon.attaches, events.at(-1)?.seq], [["tab0", "tab0"], 4]);
  assert.equal(daemon.polls.filter((poll) => !poll.signal.aborted).length, 5, "one poll more than were answered");
  assert.deepEqual([daemon.held.query.client, daemon.held.query.after], ["tab0", 0]);
});

test("what comes to nobody any more counts for nothing", async () => {
  const opened = await page();
  const { daemon, link } = opened;
  await chat(opened, 1);
  daemon.held.answer({ events: [event(2, "mail")] });
  link.leave();
  link.comeBack();
  await settle();
  await chat(opened, 1);
  assert.equal(daemon.probes.length, 0);

  const busy = await asking();
  await send(busy, heartbeat(4));
  busy.link.leave();
  busy.link.comeBack();
  await settle();
  busy.daemon.posted.fail(new CallError(409, { code: "no_such_client", message: "" }));
  await settle();
  assert.equal(busy.daemon.attaches.length, 2);
});

test("stopping ends a stream", async () => {
  const { daemon, link, states } = await following();
  link.stop();
  await settle();
  assert.ok(daemon.followed.signal.aborted);
  assert.equal(daemon.polls.length, 4);
  assert.equal(states.at(-1), "idle");
});

test("a network known to be gone is said, and the next sign of life takes it back", async () => {
  const opened = await following();
  opened.link.lost();
  assert.equal(opened.states.at(-1), "offline");
  opened.link.nudge();
  await beat(opened);
  assert.equal(opened.states.at(-1), "live");
});
