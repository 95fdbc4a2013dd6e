// When the link takes a stream in place of polls, and when it goes back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CallError } from "../src/net/http";
import { assertPolls, assertTriesLater, beat, chat, FIRST, following, page, type Page, probe, send } from "./busy";
import { type Daemon, settle, told, word } from "./daemon";
import { event } from "./fixtures";

test("three answers with events within ten seconds: a probe while polls go on, then a stream", async () => {
  const opened = await page();
  const { daemon } = opened;
  await chat(opened, 2);
  assert.equal(daemon.probes.length, 0);
  await chat(opened, 1);
  assert.equal(daemon.probes.length, 1);
  assert.equal(daemon.polls.length, 4, "polls go on meanwhile");
  await chat(opened, 1);
  assert.deepEqual([daemon.polls.length, daemon.probes.length], [5, 1]);
  await probe(opened, 0, 300, 1700);
  assert.ok(daemon.probes[0]?.signal.aborted, "nothing is left of the probe");
  assert.equal(daemon.opened.length, 0, "the poll that is held stays");
  await chat(opened, 1);
  assert.deepEqual(daemon.followed.query, { client: "tab0", epoch: "e1", after: 5, n: 6 });
  assert.equal(daemon.polls.length, 5);
});

test("answers without events, or slower than that, stay with polls", async () => {
  const slow = await page();
  await chat(slow, 6, 5001);
  assert.equal(slow.daemon.probes.length, 0);
  const empty = await page();
  for (let count = 0; count < 6; count++) {
    empty.daemon.held.answer({ events: [], end: "hold" });
    await settle();
  }
  assert.equal(empty.daemon.probes.length, 0);
  empty.daemon.held.answer({ events: [1, 2, 3, 4].map((seq) => event(seq, "mail")) });
  await settle();
  assert.equal(empty.daemon.probes.length, 0, "an answer is one, whatever it brings");
});

for (const [what, gaps] of [
  ["all at once", [2000, 0, 0]],
  ["the first two together", [300, 99, 1700]],
  ["the last two together", [0, 1001, 999]],
  ["after more than five seconds", [0, 2000, 3001]],
] as const) {
  test(`two probes whose lines come ${what} mean polls for ten minutes`, async () => {
    const opened = await page();
    await chat(opened);
    await probe(opened, ...gaps);
    await assertPolls(opened);
    // A machine that was busy for a moment looks the same: there is a second one.
    opened.daemon.time += 8000;
    await chat(opened, 3);
    assert.equal(opened.daemon.probes.length, 2);
    await probe(opened, ...gaps);
    await assertPolls(opened);
    await assertTriesLater(opened);
  });
}

test("a probe that is refused, breaks, ends early or does not end means the same", async () => {
  const ways: [string, (daemon: Daemon) => void][] = [
    ["refused", () => undefined],
    ["broken", (daemon) => daemon.probes[0]?.fail()],
    ["short", (daemon) => daemon.probes[0]?.close()],
    ["endless", (daemon) => daemon.fire(5000)],
  ];
  for (const [way, happens] of ways) {
    const opened = await page((daemon) => {
      if (way === "refused") daemon.nextOpen = () => Promise.reject(new CallError(404, { code: "http_404", message: "" }));
    });
    await chat(opened);
    assert.equal(opened.daemon.probes.length, 1);
    happens(opened.daemon);
    await settle();
    await assertPolls(opened);
    assert.ok(!opened.states.includes("offline"), way);
  }
});

test("a browser that cannot read a body as it comes polls", async () => {
  const opened = await page((daemon) => (daemon.streams = false));
  await assertPolls(opened);
});

test("no heartbeat within three seconds: polls for ten minutes, and nobody is told that the line is dead", async () => {
  for (const headToo of [true, false]) {
    const opened = await page();
    const { daemon, states } = opened;
    await chat(opened);
    await probe(opened, 0, 300, 1700);
    if (headToo) daemon.nextOpen = () => new Promise((_, fail) => daemon.followed.signal.addEventListener("abort", () => fail(new CallError(0, { code: "aborted", message: "" }))));
    await chat(opened, 1);
    await send(opened, "retry: 1000\n");
    daemon.fire(FIRST);
    await settle();
    assert.ok(daemon.followed.signal.aborted);
    assert.equal(daemon.held.query.n, 6);
    assert.ok(!states.includes("offline"));
    await assertPolls(opened);
    await assertTriesLater(opened);
  }
});

test("a stream that is refused means the same; the end of the session is one", async () => {
  for (const status of [200, 400, 404, 503]) {
    const opened = await page();
    await chat(opened);
    await probe(opened, 0, 300, 1700);
    opened.daemon.nextOpen = () => Promise.reject(new CallError(status, { code: "refused", message: "" }));
    await chat(opened, 1);
    assert.equal(opened.daemon.opened.length, 1);
    await assertPolls(opened);
    assert.ok(!opened.states.includes("offline"));
  }
  const over = await page();
  await chat(over);
  await probe(over, 0, 300, 1700);
  over.daemon.nextOpen = () => Promise.reject(new CallError(401, { code: "session_ended", message: "" }));
  await chat(over, 1);
  assert.deepEqual(over.ended, ["session_ended"]);
});

test("two streams in a row that break before they bring anything: polls for ten minutes", async () => {
  const opened = await following();
  const { daemon } = opened;
  daemon.followed.fail();
  await settle();
  await chat(opened, 3);
  assert.equal(daemon.opened.length, 2, "the second, without another probe");
  daemon.followed.fail();
  await settle();
  await assertPolls(opened);
  await assertTriesLater(opened);
});

test("a stream that brings something before it breaks clears the one before it, and one that ends well does", async () => {
  for (const clears of [
    async (opened: Page) => {
      await send(opened, told(event(opened.daemon.followed.query.after + 1, "mail")));
      opened.daemon.followed.fail();
      await settle();
    },
    (opened: Page) => send(opened, word("end", { end: "hold" })),
  ]) {
    const opened = await following();
    const breaks = async (stream: number) => {
      assert.equal(opened.daemon.opened.length, stream);
      opened.daemon.followed.fail();
      await settle();
      await chat(opened, 3);
    };
    await breaks(1);
    assert.equal(opened.daemon.opened.length, 2);
    await clears(opened);
    await chat(opened, 3);
    await breaks(3);
    assert.equal(opened.daemon.opened.length, 4);
  }
});

test("quiet: back to polls at a heartbeat when fewer than three events came in a minute", async () => {
  const opened = await following();
  const { daemon } = opened;
  await send(opened, told(event(11, "mail"), event(12, "mail"), event(13, "mail")));
  for (let count = 0; count < 6; count++) await beat(opened, 10_000);
  assert.ok(!daemon.followed.signal.aborted, "three in the last minute");
  daemon.time += 1;
  await send(opened, told(event(14, "mail")));
  assert.ok(!daemon.followed.signal.aborted, "not at an event");
  await beat(opened, 0);
  assert.ok(daemon.followed.signal.aborted);
  assert.equal(daemon.opened.length, 1);
  assert.deepEqual(daemon.held.query, { client: "tab0", epoch: "e1", after: 14, n: 6 });
  assert.ok(!opened.states.includes("offline"));
  await chat(opened, 3);
  assert.equal(daemon.opened.length, 2, "busy again: a stream without another probe");
});

test("a stream that was held long enough is followed by a poll, then by a stream while it is busy", async () => {
  const opened = await following();
  await send(opened, told(event(5, "mail"), event(6, "mail"), event(7, "mail")) + word("end", { end: "hold" }));
  assert.equal(opened.events.at(-1)?.seq, 7, "what comes with the end counts");
  assert.deepEqual(opened.daemon.held.query, { client: "tab0", epoch: "e1", after: 7, n: 6 });
  await chat(opened, 1);
  assert.deepEqual(opened.daemon.followed.query, { client: "tab0", epoch: "e1", after: 8, n: 7 });
});
