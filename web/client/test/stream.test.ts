// When the link follows a stream in place of polls, what it makes of it, and when it goes back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CallError } from "../src/net/http";
import { accept, begin, Daemon, fateOf, heartbeat, settle, told, word } from "./daemon";
import { event } from "./fixtures";

type Page = Awaited<ReturnType<typeof begin>>;
const FIRST = 3000;
const SILENCE = 25_000;
const TEN_MINUTES = 600_000;

function page(more: (daemon: Daemon) => void = () => undefined, happens?: (count: number) => void): Promise<Page> {
  const daemon = new Daemon();
  daemon.announced = { hold_ms: 25_000, heartbeat_ms: 10_000 };
  more(daemon);
  return begin(daemon, (events) => happens?.(events.length));
}

/** Answers as many polls with an event each, so long apart. */
async function chat({ daemon }: Page, answers = 3, apart = 1000) {
  for (let count = 0; count < answers; count++) {
    daemon.time += apart;
    daemon.held.answer({ events: [event(daemon.held.query.after + 1, "mail")] });
    await settle();
  }
}

/** Sends a probe's lines with so much between them. */
async function probe({ daemon }: Page, ...gaps: number[]) {
  for (const [line, gap] of gaps.entries()) {
    daemon.time += gap;
    daemon.probes.at(-1)?.send(`: ${line}\n`);
    await settle();
  }
}

/** A page that has asked for a stream. */
async function asking(...how: Parameters<typeof page>): Promise<Page> {
  const opened = await page(...how);
  await chat(opened);
  await probe(opened, 0, 300, 1700);
  await chat(opened, 1);
  assert.equal(opened.daemon.opened.length, 1);
  return opened;
}

/** A page whose stream has begun, with the first acknowledgement answered. */
async function following(...how: Parameters<typeof page>): Promise<Page> {
  const opened = await asking(...how);
  opened.daemon.followed.send(heartbeat(4));
  await settle();
  accept(opened.daemon.posted);
  await settle();
  return opened;
}

async function send({ daemon }: Page, ...blocks: string[]) {
  daemon.followed.send(...blocks);
  await settle();
}

async function beat(opened: Page, after = 10_000) {
  opened.daemon.time += after;
  await send(opened, heartbeat());
}

/** Answers the polls that follow until the page would ask for a stream, which it must not. */
async function assertPolls(opened: Page) {
  const { daemon } = opened;
  const [streams, probes] = [daemon.opened.length, daemon.probes.length];
  await chat(opened, 4);
  assert.deepEqual([daemon.opened.length, daemon.probes.length], [streams, probes], "it polls");
}

/** Ten minutes later streams are tried again, by a probe first. */
async function assertTriesLater(opened: Page) {
  const { daemon } = opened;
  const [streams, probes] = [daemon.opened.length, daemon.probes.length];
  daemon.time += TEN_MINUTES - 10_000;
  await assertPolls(opened);
  daemon.time += 10_000;
  await chat(opened, 3);
  assert.deepEqual([daemon.opened.length, daemon.probes.length], [streams, probes + 1]);
  await probe(opened, 0, 300, 1700);
  await chat(opened, 1);
  assert.equal(daemon.opened.length, streams + 1);
}

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
  test(`a probe whose lines come ${what} means polls for ten minutes`, async () => {
    const opened = await page();
    await chat(opened);
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

test("the first heartbeat is acknowledged at once, each further one after fifteen seconds", async () => {
  const opened = await asking();
  const { daemon } = opened;
  await send(opened, "retry: 1000\n");
  assert.equal(daemon.posts.length, 0);
  await send(opened, heartbeat(4));
  assert.deepEqual([daemon.posted.client, daemon.posted.commands, daemon.posted.cursor], ["tab0", [], { epoch: "e1", after: 4 }]);
  accept(daemon.posted);
  await send(opened, told(event(6, "mail"), event(7, "mail"), event(8, "mail")));
  await beat(opened);
  assert.equal(daemon.posts.length, 1);
  daemon.time += 10_000;
  await send(opened, told(event(9, "mail")));
  assert.equal(daemon.posts.length, 1, "an event alone is no reason");
  await beat(opened, 0);
  assert.equal(daemon.posts.length, 2);
  assert.deepEqual(daemon.posted.cursor, { epoch: "e1", after: 9 });
});

test("a daemon that holds polls for a short time hears more often", async () => {
  const opened = await following((daemon) => (daemon.announced = { hold_ms: 10_000, heartbeat_ms: 10_000 }));
  await beat(opened);
  assert.equal(opened.daemon.posts.length, 2);
});

test("more than 200 events or 32 KiB are acknowledged at once, by one POST at a time", async () => {
  const opened = await following();
  const { daemon } = opened;
  const many = (from: number, count: number, text = "") => told(...Array.from({ length: count }, (_, at) => event(from + at, "mail", { text })));
  await send(opened, many(10, 200));
  assert.equal(daemon.posts.length, 1);
  await send(opened, many(210, 1));
  assert.equal(daemon.posts.length, 2);
  assert.deepEqual(daemon.posted.cursor, { epoch: "e1", after: 210 });
  await send(opened, many(300, 1, "x".repeat(33_000)));
  assert.equal(daemon.posts.length, 2, "one is under way");
  accept(daemon.posted);
  await settle();
  await send(opened, many(301, 1));
  assert.equal(daemon.posts.length, 3);
  assert.deepEqual(daemon.posted.cursor, { epoch: "e1", after: 301 });
  accept(daemon.posted);
  await settle();
  await send(opened, many(302, 1, "x".repeat(30_000)));
  assert.equal(daemon.posts.length, 3);
});

test("what is sent before a stream has begun is no acknowledgement of it", async () => {
  const opened = await asking();
  const { daemon, link } = opened;
  await send(opened, "retry: 1000\n");
  void fateOf(link.outbox.send({ id: "c1", type: "status.set" }));
  await settle();
  assert.equal(daemon.posted.cursor, undefined);
  await send(opened, heartbeat(4));
  assert.deepEqual([daemon.posts.length, daemon.posted.cursor], [2, { epoch: "e1", after: 4 }]);
});

test("commands carry the acknowledgement while a stream runs, and are one", async () => {
  const polling = await page();
  void fateOf(polling.link.outbox.send({ id: "c1", type: "status.set" }));
  await settle();
  assert.equal(polling.daemon.posted.cursor, undefined);

  const opened = await following();
  const { daemon, link } = opened;
  await send(opened, told(event(9, "mail")));
  daemon.time += 10_000;
  void fateOf(link.outbox.send({ id: "c1", type: "status.set" }));
  await settle();
  assert.deepEqual(daemon.posted.cursor, { epoch: "e1", after: 9 });
  accept(daemon.posted);
  await beat(opened);
  assert.equal(daemon.posts.length, 2, "nothing is owed yet");
  daemon.followed.close();
  await settle();
  void fateOf(link.outbox.send({ id: "c2", type: "status.set" }));
  await settle();
  assert.equal(daemon.posted.cursor, undefined, "a poll acknowledges by itself");
});

test("an acknowledgement that fails is left to the next", async () => {
  const opened = await asking();
  const { daemon } = opened;
  await send(opened, heartbeat(4));
  daemon.posted.fail(new CallError(503, { code: "busy", message: "" }));
  await settle();
  await beat(opened);
  assert.equal(daemon.posts.length, 1);
  await beat(opened);
  assert.equal(daemon.posts.length, 2);
  assert.equal(opened.states.at(-1), "live");
});

test("an acknowledgement tells of the end of the session, and of a daemon that forgot the client", async () => {
  const over = await asking();
  await send(over, heartbeat(4));
  over.daemon.posted.fail(new CallError(401, { code: "session_ended", message: "" }));
  await settle();
  assert.deepEqual(over.ended, ["session_ended"]);
  assert.ok(over.daemon.followed.signal.aborted);

  const forgotten = await asking();
  await send(forgotten, heartbeat(4));
  forgotten.daemon.posted.fail(new CallError(409, { code: "no_such_client", message: "" }));
  await settle();
  assert.deepEqual(forgotten.daemon.attaches, ["tab0", "tab0"]);
  assert.ok(forgotten.daemon.followed.signal.aborted);
  assert.equal(forgotten.daemon.held.query.n, 6);
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

test("whoever stops the link at an event is not followed by an acknowledgement", async () => {
  const opened: Page = await following(undefined, (count) => {
    if (count > 200) opened.link.stop();
  });
  await send(opened, told(...Array.from({ length: 300 }, (_, at) => event(10 + at, "mail"))));
  assert.equal(opened.events.at(-1)?.seq, 309);
  assert.equal(opened.daemon.posts.length, 1);
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
