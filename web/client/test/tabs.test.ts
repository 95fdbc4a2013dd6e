// Several tabs of one browser: one speaks with the daemon, the others hear of it, and each has everything once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAll, Browser, fateSent, listeners, speaker, type Tab, tabs } from "./browser";
import { HEARTBEAT, HOLD } from "./hub";

test("eight tabs make one poll, and all of them have what it brings", async () => {
  const browser = await tabs(8);
  assert.deepEqual([browser.hub.polls, browser.hub.open], [1, 1]);
  for (let n = 0; n < 5; n++) {
    browser.emit(n);
    await browser.clock.pass(10);
    assertAll(browser);
  }
  assert.equal(browser.hub.polls, 6);
  await browser.clock.pass(10 * HOLD);
  assert.equal(browser.hub.polls, 16);
  assert.deepEqual(browser.tabs.map((tab) => [tab.attaches, tab.states.at(-1)]), Array(8).fill([1, "live"]));
});

test("eight tabs follow one stream in a lively talk, and leave it together", async () => {
  const browser = await tabs(8, { streams: true });
  for (let n = 0; n < 60; n++) {
    browser.emit();
    await browser.clock.pass(1000);
    assertAll(browser);
  }
  assert.equal(browser.hub.open, 1);
  const { polls } = browser.hub;
  browser.emit();
  await browser.clock.pass(20_000);
  assert.equal(browser.hub.polls, polls, "it is a stream");
  assertAll(browser);
  await browser.clock.pass(120_000);
  assert.ok(browser.hub.polls > polls);
  assert.equal(browser.hub.open, 1);
});

test("a tab that speaks and is closed is followed by one other, from where that is", async () => {
  const browser = await tabs(4);
  for (let left = 4; left > 0; left--) {
    browser.emit();
    await browser.clock.pass(10);
    assertAll(browser);
    const polls = browser.hub.polls;
    speaker(browser).close(left % 2 === 0);
    browser.emit();
    await browser.clock.pass(10);
    if (left === 1) break;
    assertAll(browser);
    assert.deepEqual([browser.hub.open, browser.hub.polls <= polls + 2], [1, true]);
    // The others have heard of the new one, and do not ask.
    await browser.clock.pass(2 * HOLD);
    assert.equal(browser.hub.polls - polls, 4);
  }
});

test("where tabs cannot meet each polls, and each as before", async () => {
  const browser = await tabs(3, { meets: false });
  assert.equal(browser.hub.open, 3);
  browser.emit();
  await browser.clock.pass(10);
  assert.equal(browser.hub.polls, 6);
  assertAll(browser);
  await fateSent(browser.tabs[0], browser);
  assert.equal(browser.hub.posts[0]?.cursor, undefined);
  assert.equal(await browser.tabs[0]?.link.sounds(false, 1), true);
});

for (const [what, breaks] of [
  ["says no to a lock", (browser: Browser) => { browser.lock = (_tab, _name, now, settled) => (browser.clock.later(0, () => settled(now)), () => undefined); }],
  ["says nothing about a lock", (browser: Browser) => { browser.lock = () => () => undefined; }],
  ["has channels for nobody", (browser: Browser) => { browser.open = () => { throw new Error("SecurityError"); }; }],
] as const) {
  test(`in a browser that ${what} each tab polls`, async () => {
    const browser = new Browser();
    breaks(browser);
    await browser.tab();
    await browser.tab();
    await browser.clock.pass(5500);
    assert.equal(browser.hub.open, 2);
    browser.emit();
    await browser.clock.pass(10);
    assertAll(browser);
    browser.tabs[0]?.link.leave();
    browser.tabs[0]?.link.comeBack();
    await browser.clock.pass(100);
    assert.equal(browser.hub.open, 2, "it does not wait again");
  });
}

test("a listener's commands get through, with what it has, and it hears how they ended", async () => {
  const browser = await tabs(3);
  browser.emit();
  await browser.clock.pass(10);
  for (const [n, tab] of listeners(browser).entries()) {
    const has = tab.last;
    assert.deepEqual(await fateSent(tab, browser, `c${n}`), { result: null });
    assert.deepEqual(browser.hub.posts.at(-1), { client: tab.id, commands: 1, cursor: { epoch: "e1", after: has } });
  }
  assert.deepEqual(await fateSent(speaker(browser), browser, "mine"), { result: null });
  assert.equal(browser.hub.posts.at(-1)?.cursor, undefined, "its polls acknowledge");
});

test("a listener is heard of every 0.8 holds, and what it was told is acknowledged before the next heartbeat, or when it is much", async () => {
  const browser = await tabs(2);
  const [tab] = listeners(browser);
  assert.ok(tab);
  const mine = () => browser.hub.posts.filter((post) => post.client === tab.id).length;
  await browser.clock.pass(10 * HOLD);
  assert.ok(mine() >= 12 && mine() <= 17, `${mine()} in ten holds`);
  const before = mine();
  browser.emit();
  await browser.clock.pass(HEARTBEAT);
  assert.deepEqual([mine(), browser.hub.clients.get(tab.id)?.acked], [before + 1, browser.hub.seq]);
  assert.equal(browser.hub.log.length, 0, "the daemon keeps nothing any more");
  for (let n = 0; n < 64; n++) {
    browser.emit();
    await browser.clock.pass(1);
  }
  assert.equal(mine(), before + 2);
  assert.ok(browser.hub.posts.every((post) => post.client === tab.id && post.commands === 0));
});

/** It has everything, and never asked for it. */
function assertOnlyHeard(browser: Browser, tab: Tab): void {
  assertAll(browser);
  assert.deepEqual([browser.hub.open, browser.hub.clients.get(tab.id)?.n], [1, -1]);
}

test("a tab that opens while events come has all of them after its snapshot", async () => {
  const browser = await tabs(1);
  browser.delay = () => 20;
  const young = await browser.tab();
  for (let n = 0; n < 10; n++) {
    browser.emit();
    await browser.clock.pass(7);
  }
  await browser.clock.pass(200);
  assert.ok(young.seqs.length > 3);
  assertOnlyHeard(browser, young);
});

test("what is said while a tab attaches is kept until it has its snapshot", async () => {
  const browser = await tabs(1);
  const young = await browser.tab({ slow: 100 });
  await browser.clock.pass(50);
  browser.emit();
  await browser.clock.pass(10);
  assert.deepEqual([young.attaches, browser.hub.attaches.length], [0, 2]);
  await browser.clock.pass(100);
  assertOnlyHeard(browser, young);
});

test("and also while it attaches again", async () => {
  const browser = await tabs(2);
  const [tab] = listeners(browser);
  assert.ok(tab);
  browser.hub.clients.delete(tab.id);
  tab.slow = 100;
  const fate = fateSent(tab, browser);
  await browser.clock.pass(140);
  browser.emit();
  await browser.clock.pass(10);
  assert.deepEqual([tab.attaches, browser.hub.attaches.length], [1, 3]);
  await browser.clock.pass(200);
  assertOnlyHeard(browser, tab);
  assert.deepEqual(await fate, { result: null });
});

test("what is said while a tab asks for what it missed is kept, and does not make it ask again", async () => {
  const browser = await tabs(2);
  const [tab] = listeners(browser);
  assert.ok(tab);
  const deaf = tab.reach;
  tab.reach = () => undefined;
  browser.emit();
  await browser.clock.pass(10);
  tab.reach = deaf;
  tab.slow = 100;
  for (let n = 0; n < 3; n++) {
    browser.emit();
    await browser.clock.pass(10);
  }
  await browser.clock.pass(100);
  assertAll(browser);
  assert.deepEqual([browser.hub.clients.get(tab.id)?.n, browser.hub.open], [1, 1]);
});

test("a word of what never was makes a tab ask, but no longer than until the next word", async () => {
  const browser = await tabs(2);
  browser.shout({ kind: "news", user: "u1", epoch: "e1", from: 1000, to: 1000, events: [] });
  await browser.clock.pass(10);
  assert.equal(browser.hub.open, 2);
  await browser.clock.pass(HOLD);
  assert.equal(browser.hub.open, 1);
  browser.emit();
  await browser.clock.pass(10);
  assertAll(browser);
});

test("a tab that missed something asks once, and goes on listening", async () => {
  const browser = await tabs(3);
  const [tab] = listeners(browser);
  assert.ok(tab);
  const deaf = tab.reach;
  tab.reach = () => undefined;
  browser.emit();
  await browser.clock.pass(10);
  tab.reach = deaf;
  browser.emit();
  await browser.clock.pass(10);
  assertAll(browser);
  assert.deepEqual([browser.hub.clients.get(tab.id)?.n, browser.hub.open], [1, 1]);
  browser.emit();
  await browser.clock.pass(10);
  assertAll(browser);
  assert.equal(browser.hub.clients.get(tab.id)?.n, 1);
});

test("a tab that missed something hears of it by the next sign of life", async () => {
  const browser = await tabs(2);
  const [tab] = listeners(browser);
  assert.ok(tab);
  const deaf = tab.reach;
  tab.reach = () => undefined;
  browser.emit();
  await browser.clock.pass(10);
  tab.reach = deaf;
  await browser.clock.pass(HOLD + 100);
  assertAll(browser);
  assert.equal(browser.hub.open, 1);
});

test("a tab that missed more than the daemon kept attaches again", async () => {
  const browser = await tabs(2);
  const [tab] = listeners(browser);
  assert.ok(tab);
  tab.freeze();
  for (let n = 0; n < 200; n++) {
    browser.emit();
    await browser.clock.pass(1);
  }
  tab.thaw();
  await browser.clock.pass(100);
  assertAll(browser);
  assert.deepEqual([tab.attaches, browser.hub.open], [2, 1]);
});

test("words of another log: attach again; words of one that is over, or of another user, are not listened to", async () => {
  const browser = await tabs(3);
  browser.emit();
  await browser.clock.pass(10);
  const news = (more: object) => browser.shout({ kind: "news", user: "u1", epoch: "e1", from: browser.hub.seq, to: browser.hub.seq, events: [], ...more });
  news({ user: "u2", epoch: "e9" });
  await browser.clock.pass(10);
  assert.equal(browser.hub.attaches.length, 3);
  browser.hub.restart();
  await browser.clock.pass(2000);
  assert.deepEqual(browser.tabs.map((tab) => [tab.attaches, tab.states.at(-1)]), Array(3).fill([2, "live"]));
  assert.equal(browser.hub.open, 1);
  news({ epoch: "e1" });
  await browser.clock.pass(10);
  assert.equal(browser.hub.attaches.length, 6);
  news({ epoch: "e7" });
  news({ epoch: "e7" });
  await browser.clock.pass(10);
  assert.equal(browser.hub.attaches.length, 8, "both listeners look once");
  news({ epoch: "e7" });
  browser.emit();
  await browser.clock.pass(10);
  assert.equal(browser.hub.attaches.length, 8);
  assertAll(browser);
});

test("what is no word of this page is not listened to", async () => {
  const browser = await tabs(2);
  const news = { kind: "news", user: "u1", epoch: "e1", from: 0, to: 5, events: [{ seq: 5, type: "mail" }] };
  for (const message of [
    null, "news", 5, {}, [], { ...news, user: 1 }, { ...news, epoch: null }, { ...news, from: "0" }, { ...news, from: 6 }, { ...news, to: 1e300 }, { ...news, to: 4 },
    { ...news, events: {} }, { ...news, events: [null] }, { ...news, events: [{ seq: 5 }] }, { ...news, events: [{ seq: 0, type: "mail" }] },
    { ...news, to: 9, events: [{ seq: 5, type: "mail" }, { seq: 5, type: "mail" }] }, { ...news, kind: "olds" }, { ...news, kind: "over" }, { ...news, kind: "over", code: 3 },
    { ...news, kind: "state" }, { ...news, kind: "state", state: "offline" }, { ...news, kind: "state", state: { kind: "offline" } }, { ...news, kind: "heeded" }, { ...news, kind: "heeded", seq: 1 }, { ...news, kind: "heeded", seq: 1, what: "smell" },
  ]) {
    browser.shout(message);
    await browser.clock.pass(10);
  }
  assert.deepEqual(browser.tabs.map((tab) => [tab.seqs, tab.ended, tab.states.at(-1)]), Array(2).fill([[0], [], "live"]));
  assert.equal(browser.hub.polls, 1);
  browser.hub.emit("mail", {}, 4);
  await browser.clock.pass(10);
  assertAll(browser);
});
