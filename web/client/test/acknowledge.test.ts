// How what a stream brings is acknowledged.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CallError } from "../src/net/http";
import { asking, beat, following, page, type Page, send } from "./busy";
import { accept, fateOf, heartbeat, settle, told } from "./daemon";
import { event } from "./fixtures";

test("the first heartbeat is acknowledged at once, each further one when events came before it, or after fifteen seconds", async () => {
  const opened = await asking();
  const { daemon } = opened;
  await send(opened, "retry: 1000\n");
  assert.equal(daemon.posts.length, 0);
  await send(opened, heartbeat(4));
  assert.deepEqual([daemon.posted.client, daemon.posted.commands, daemon.posted.cursor], ["tab0", [], { epoch: "e1", after: 4 }]);
  accept(daemon.posted);
  await beat(opened);
  assert.equal(daemon.posts.length, 1, "nothing is owed");
  await send(opened, told(event(6, "mail"), event(7, "mail"), event(8, "mail")));
  assert.equal(daemon.posts.length, 1, "a few events alone are no reason");
  await beat(opened, 2_000);
  assert.deepEqual([daemon.posts.length, daemon.posted.cursor], [2, { epoch: "e1", after: 8 }]);
  accept(daemon.posted);
  await settle();
  await beat(opened);
  assert.equal(daemon.posts.length, 2);
  await beat(opened, 5_000);
  assert.deepEqual([daemon.posts.length, daemon.posted.cursor], [3, { epoch: "e1", after: 8 }], "it says that somebody is there");
});

test("a daemon that holds polls for a short time hears more often", async () => {
  const opened = await following((daemon) => (daemon.announced = { hold_ms: 10_000, heartbeat_ms: 10_000 }));
  await beat(opened);
  assert.equal(opened.daemon.posts.length, 2);
});

test("64 events or 16 KiB are acknowledged at once, by one POST at a time", async () => {
  const opened = await following();
  const { daemon } = opened;
  const many = (from: number, count: number, text = "") => told(...Array.from({ length: count }, (_, at) => event(from + at, "mail", { text })));
  await send(opened, many(10, 63));
  assert.equal(daemon.posts.length, 1);
  await send(opened, many(73, 1));
  assert.equal(daemon.posts.length, 2);
  assert.deepEqual(daemon.posted.cursor, { epoch: "e1", after: 73 });
  await send(opened, many(300, 1, "x".repeat(17_000)));
  assert.equal(daemon.posts.length, 2, "one is under way");
  accept(daemon.posted);
  await settle();
  await send(opened, many(301, 1));
  assert.equal(daemon.posts.length, 3);
  assert.deepEqual(daemon.posted.cursor, { epoch: "e1", after: 301 });
  accept(daemon.posted);
  await settle();
  await send(opened, many(302, 1, "x".repeat(15_000)));
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

test("whoever stops the link at an event is not followed by an acknowledgement", async () => {
  const opened: Page = await following(undefined, (count) => {
    if (count > 200) opened.link.stop();
  });
  await send(opened, told(...Array.from({ length: 300 }, (_, at) => event(10 + at, "mail"))));
  assert.equal(opened.events.at(-1)?.seq, 309);
  assert.equal(opened.daemon.posts.length, 1);
});
