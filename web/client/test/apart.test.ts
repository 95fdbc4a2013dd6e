// Several tabs of one browser, when the one that speaks is silent or has trouble, when the session ends, or when two have one name.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAll, fateSent, listeners, speaker, type Tab, tabs } from "./browser";
import { HOLD } from "./hub";

test("where nothing is heard for ten seconds longer than a hold each asks for itself, until somebody speaks", async () => {
  const browser = await tabs(3);
  const frozen = speaker(browser);
  frozen.freeze();
  browser.emit();
  await browser.clock.pass(HOLD + 9_000);
  const others = browser.tabs.filter((tab) => tab !== frozen);
  assert.ok(others.every((tab) => tab.last < browser.hub.seq));
  await browser.clock.pass(2_000);
  assert.ok(others.every((tab) => tab.last === browser.hub.seq));
  browser.emit();
  await browser.clock.pass(10);
  assert.ok(others.every((tab) => tab.last === browser.hub.seq));
  assert.equal(browser.hub.open, 2);
  frozen.thaw();
  await browser.clock.pass(10);
  assertAll(browser);
  assert.equal(browser.hub.open, 1);
  assert.equal(speaker(browser), frozen);
  browser.emit();
  await browser.clock.pass(HOLD);
  assertAll(browser);
  assert.equal(browser.hub.open, 1);
});

test("the network is gone and back: every tab says so, and whoever is looked at has the speaker try at once", async () => {
  const browser = await tabs(3);
  browser.hub.down = true;
  browser.hub.clients.forEach((client) => client.held?.end({ end: "hold" }));
  await browser.clock.pass(20_000);
  assert.deepEqual(browser.tabs.map((tab) => tab.states.at(-1)), Array(3).fill("offline"));
  browser.hub.down = false;
  assert.equal(browser.hub.open, 0);
  const [tab] = browser.tabs.slice(1);
  tab?.link.nudge();
  await browser.clock.pass(10);
  assert.equal(browser.hub.open, 1);
  browser.emit();
  await browser.clock.pass(10);
  assertAll(browser);
  assert.deepEqual(browser.tabs.map((one) => one.states.at(-1)), Array(3).fill("live"));
});

test("whoever asks for itself does so by polls", async () => {
  const browser = await tabs(3, { streams: true });
  speaker(browser).freeze();
  await browser.clock.pass(HOLD + 11_000);
  for (let n = 0; n < 20; n++) {
    browser.emit();
    await browser.clock.pass(500);
  }
  assert.ok(browser.tabs.filter((tab) => !tab.isFrozen).every((tab) => tab.last === browser.hub.seq));
  assert.equal(browser.hub.streams, 0);
});

test("after a long time without a network the first word ends every other tab's wait", async () => {
  const browser = await tabs(3);
  const tab = speaker(browser);
  browser.hub.down = true;
  tab.link.lost();
  browser.hub.clients.forEach((client) => client.held?.end({ end: "hold" }));
  await browser.clock.pass(8 * HOLD);
  browser.hub.down = false;
  browser.emit();
  tab.link.nudge();
  await browser.clock.pass(10);
  assertAll(browser);
  assert.deepEqual(browser.tabs.map((one) => one.states.at(-1)), Array(3).fill("live"));
});

test("a speaker that has no network does not keep it from the others for longer than a hold and ten seconds", async () => {
  const browser = await tabs(2);
  const cut = speaker(browser);
  cut.poll = () => Promise.reject(new TypeError("network"));
  browser.emit();
  await browser.clock.pass(HOLD + 12_000);
  assert.equal(cut.states.at(-1), "offline");
  const other = browser.tabs.find((tab) => tab !== cut);
  browser.emit();
  await browser.clock.pass(10);
  assert.deepEqual([other?.last, other?.states.at(-1)], [browser.hub.seq, "live"]);
});

test("a restart is said in every tab", async () => {
  const browser = await tabs(3);
  for (const client of [...browser.hub.clients.values()]) client.held?.end({ end: "restart", retry_ms: 5000 });
  await browser.clock.pass(100);
  assert.deepEqual(browser.tabs.map((tab) => tab.states.at(-1)), Array(3).fill("catching-up"));
  browser.emit();
  await browser.clock.pass(5000);
  assertAll(browser);
  assert.deepEqual(browser.tabs.map((tab) => tab.states.at(-1)), Array(3).fill("live"));
});

test("the end of the session ends it in every tab: by a poll, by a listener's POST, by whoever signs out", async () => {
  const polled = await tabs(3);
  polled.hub.signOut();
  await polled.clock.pass(10);
  assert.deepEqual(polled.tabs.map((tab) => tab.ended), Array(3).fill(["signed_out"]));

  const posted = await tabs(3);
  const [listener] = listeners(posted);
  posted.hub.over = "session_ended";
  void fateSent(listener, posted);
  await posted.clock.pass(10);
  assert.deepEqual(posted.tabs.map((tab) => tab.ended), Array(3).fill(["session_ended"]));

  for (const speaks of [true, false]) {
    const browser = await tabs(3);
    const leaves = speaks ? speaker(browser) : listeners(browser)[0];
    leaves?.link.stop("signed_out");
    await browser.clock.pass(10);
    assert.deepEqual(browser.tabs.map((tab) => tab.ended), browser.tabs.map((tab) => (tab === leaves ? [] : ["signed_out"])));
    assert.equal(browser.hub.polls, 1);
  }
});

test("the end of an earlier session is no end of the next", async () => {
  const browser = await tabs(2);
  browser.hub.restart();
  await browser.clock.pass(2000);
  browser.shout({ kind: "over", user: "u1", epoch: "e1", code: "signed_out" });
  browser.shout({ kind: "over", user: "u2", epoch: "e2", code: "signed_out" });
  await browser.clock.pass(100);
  assert.deepEqual(browser.tabs.map((tab) => tab.ended), [[], []]);
  browser.shout({ kind: "over", user: "u1", epoch: "e2", code: "signed_out" });
  await browser.clock.pass(100);
  assert.deepEqual(browser.tabs.map((tab) => tab.ended), [["signed_out"], ["signed_out"]]);
  // Somebody signs in again in one of them.
  browser.hub.user = "u3";
  browser.tabs[0]?.link.start();
  await browser.clock.pass(100);
  assert.deepEqual([browser.hub.open, browser.tabs[0]?.states.at(-1), browser.tabs[1]?.states.at(-1)], [1, "live", "live"]);
});

test("two users at two tabs, if ever, speak each for their own", async () => {
  const browser = await tabs(1);
  const [first] = browser.tabs;
  browser.hub.user = "u2";
  const second = await browser.tab();
  await browser.clock.pass(100);
  assert.equal(browser.hub.open, 2);
  browser.emit();
  await browser.clock.pass(100);
  assert.deepEqual([first?.attaches, second.attaches], [1, 1]);
  // The first finds out that it is the other's now.
  browser.hub.clients.get(first?.id ?? "")?.held?.end({ reset: "epoch" });
  await browser.clock.pass(100);
  assert.equal(browser.hub.open, 1);
  assertAll(browser);
});

test("a duplicated tab takes a name of its own before it attaches, whether the other speaks or listens or is frozen", async () => {
  const browser = await tabs(2);
  for (const tab of [...browser.tabs]) {
    const twin = await browser.tab({ id: tab.id });
    await browser.clock.pass(100);
    assert.notEqual(twin.id, tab.id);
    assert.deepEqual([twin.attaches, tab.attaches, browser.hub.open], [1, 1, 1]);
  }
  const [first, second] = browser.tabs;
  second?.freeze();
  const twin = await browser.tab({ id: second?.id ?? "" });
  await browser.clock.pass(100);
  assert.notEqual(twin.id, second?.id);
  second?.thaw();
  browser.emit();
  await browser.clock.pass(100);
  assertAll(browser);
  assert.equal(new Set(browser.tabs.map((tab) => tab.id)).size, browser.tabs.length);
  // A tab that comes back has its name, or finds it taken.
  const name = first?.id;
  first?.link.leave();
  first?.link.comeBack();
  await browser.clock.pass(100);
  assert.equal(first?.id, name);
  first?.link.leave();
  const heir = await browser.tab({ id: first?.id ?? "" });
  first?.link.comeBack();
  await browser.clock.pass(100);
  assert.notEqual(first?.id, heir.id);
  assertAll(browser);
});

test("a speaker whose name somebody else has takes another, and goes on speaking", async () => {
  const browser = await tabs(2);
  const tab = speaker(browser);
  const before = tab.id;
  browser.hub.clients.get(tab.id)?.held?.end({ end: "superseded" });
  await browser.clock.pass(100);
  assert.notEqual(tab.id, before);
  assert.equal(speaker(browser), tab);
  const twin = await browser.tab({ id: tab.id });
  assert.ok(twin.link.id !== tab.id || twin.attaches === 0);
  browser.emit();
  await browser.clock.pass(100);
  assertAll(browser);
});

test("of several tabs one sounds: the one in front, else the speaker, else another that can", async () => {
  const browser = await tabs(3);
  browser.emit();
  await browser.clock.pass(10);
  const { seq } = browser.hub;
  const ask = async (can: (tab: Tab) => boolean, front: Tab | null, upto: number) => {
    const rang: string[] = [];
    for (const tab of browser.tabs.filter(can)) void tab.link.sounds(tab === front, upto).then((sounds) => sounds && rang.push(tab.id));
    await browser.clock.pass(10_000);
    return rang;
  };
  const tab = speaker(browser);
  const [one] = listeners(browser);
  assert.ok(one);
  assert.deepEqual(await ask(() => true, one, seq), [one.id]);
  assert.deepEqual(await ask(() => true, null, seq + 1), [tab.id]);
  assert.deepEqual(await ask(() => true, tab, seq + 2), [tab.id]);
  assert.deepEqual(await ask((other) => other === one, null, seq + 3), [one.id]);
  assert.deepEqual(await ask(() => true, null, seq + 3), [], "it has been done");
});
