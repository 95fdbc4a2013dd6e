// Several tabs of one browser that open, close, freeze, double and talk by chance.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertAll, Browser, type Tab } from "./browser";
import { fateOf } from "./daemon";
import { HOLD } from "./hub";

/** Numbers that look like chance, the same for each seed. */
function dice(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 1;
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39);
    return ((mixed ^ (mixed >>> 16)) >>> 0) % below;
  };
}

async function live(seed: number): Promise<void> {
  const roll = dice(seed);
  const browser = new Browser();
  browser.delay = () => (roll(4) === 0 ? roll(3000) : roll(20));
  const streams = roll(2) === 0;
  const unsettled: { tab: Tab; id: string }[] = [];
  const some = () => browser.tabs[roll(browser.tabs.length)];
  await browser.tab({ streams });
  for (let step = 0; step < 80; step++) {
    const what = roll(20);
    const tab = some();
    if (what < 7) for (let n = roll(4); n >= 0; n--) browser.emit(roll(3) === 0 ? roll(4) : 0);
    else if (what < 9 && browser.tabs.length < 9) await browser.tab({ streams });
    else if (what === 9 && tab && browser.tabs.length < 9) await browser.tab({ id: tab.id, streams });
    else if (what === 10 && tab && browser.tabs.length > 1) tab.close(roll(3) > 0);
    else if (what === 11) tab?.freeze();
    else if (what < 14) tab?.thaw();
    else if (what < 16 && tab && !tab.isFrozen) {
      const command = { tab, id: `c${step}` };
      unsettled.push(command);
      void fateOf(tab.link.outbox.send({ id: command.id, type: "status.set" })).then(() => unsettled.splice(unsettled.indexOf(command), 1));
    }
    // A browser keeps no page whose requests are under way.
    else if (what === 16 && tab && !tab.isFrozen && tab.attaches > 0 && tab.link.outbox.pending === 0) {
      tab.link.leave();
      await browser.clock.pass(roll(2000));
      tab.link.comeBack();
    } else if (what === 17 && roll(8) === 0) browser.hub.restart();
    else if (what === 18) {
      browser.hub.down = roll(3) === 0;
      if (browser.hub.down) for (const client of browser.hub.clients.values()) client.held?.end({ end: "hold" });
    }
    await browser.clock.pass([0, 5, 50, 500, 5000, 40_000][roll(6)] ?? 0);
  }
  browser.hub.down = false;
  for (const tab of browser.tabs) tab.thaw();
  await browser.clock.pass(4 * HOLD);
  browser.emit();
  await browser.clock.pass(2 * HOLD);
  assertAll(browser);
  assert.equal(new Set(browser.tabs.map((tab) => tab.link.id)).size, browser.tabs.length, "each has its own name");
  assert.deepEqual(browser.tabs.map((tab) => tab.states.at(-1)), browser.tabs.map(() => "live"));
  assert.equal(browser.hub.open, 1);
  const { polls, attaches } = browser.hub;
  const before = attaches.length;
  await browser.clock.pass(8 * HOLD);
  assert.ok(browser.hub.polls - polls <= 9 && browser.hub.open === 1, `${browser.hub.polls - polls} polls in eight holds`);
  assert.equal(attaches.length, before);
  assert.equal(new Set(browser.hub.carriedOut).size, browser.hub.carriedOut.length, "no command is carried out twice");
  assert.deepEqual(unsettled.filter(({ tab }) => !tab.closed).map(({ id }) => id), [], "every command has a fate");
}

test("whatever tabs do, each has every event once and in order, and one speaks", async (context) => {
  const seeds = Number(process.env["SEEDS"] ?? 150);
  const first = Number(process.env["FIRST_SEED"] ?? 1);
  for (let seed = first; seed < first + seeds; seed++) {
    await live(seed).catch((cause: unknown) => {
      throw new Error(`seed ${seed}: ${cause instanceof Error ? cause.stack : String(cause)}`);
    });
  }
  context.diagnostic(`${seeds} lives`);
});
