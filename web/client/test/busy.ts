// A page in a lively conversation, for the tests of what it makes of streams.
import assert from "node:assert/strict";
import { accept, begin, Daemon, heartbeat, settle } from "./daemon";
import { event } from "./fixtures";

export type Page = Awaited<ReturnType<typeof begin>>;
export const FIRST = 3000;
export const SILENCE = 25_000;
const TEN_MINUTES = 600_000;

export function page(more: (daemon: Daemon) => void = () => undefined, happens?: (count: number) => void): Promise<Page> {
  const daemon = new Daemon();
  daemon.announced = { hold_ms: 25_000, heartbeat_ms: 10_000 };
  more(daemon);
  return begin(daemon, (events) => happens?.(events.length));
}

/** Answers as many polls with an event each, so long apart. */
export async function chat({ daemon }: Page, answers = 3, apart = 1000) {
  for (let count = 0; count < answers; count++) {
    daemon.time += apart;
    daemon.held.answer({ events: [event(daemon.held.query.after + 1, "mail")] });
    await settle();
  }
}

/** Sends a probe's lines with so much between them. */
export async function probe({ daemon }: Page, ...gaps: number[]) {
  for (const [line, gap] of gaps.entries()) {
    daemon.time += gap;
    daemon.probes.at(-1)?.send(`: ${line}\n`);
    await settle();
  }
}

/** A page that has asked for a stream. */
export async function asking(...how: Parameters<typeof page>): Promise<Page> {
  const opened = await page(...how);
  await chat(opened);
  await probe(opened, 0, 300, 1700);
  await chat(opened, 1);
  assert.equal(opened.daemon.opened.length, 1);
  return opened;
}

/** A page whose stream has begun, with the first acknowledgement answered. */
export async function following(...how: Parameters<typeof page>): Promise<Page> {
  const opened = await asking(...how);
  opened.daemon.followed.send(heartbeat(4));
  await settle();
  accept(opened.daemon.posted);
  await settle();
  return opened;
}

export async function send({ daemon }: Page, ...blocks: string[]) {
  daemon.followed.send(...blocks);
  await settle();
}

export async function beat(opened: Page, after = 10_000) {
  opened.daemon.time += after;
  await send(opened, heartbeat());
}

/** Answers the polls that follow until the page would ask for a stream, which it must not. */
export async function assertPolls(opened: Page) {
  const { daemon } = opened;
  const [streams, probes] = [daemon.opened.length, daemon.probes.length];
  await chat(opened, 4);
  assert.deepEqual([daemon.opened.length, daemon.probes.length], [streams, probes], "it polls");
}

/** Ten minutes later streams are tried again, by a probe first. */
export async function assertTriesLater(opened: Page) {
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
