// Drafts of two browsers: none is lost, and the newer one shows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { NOTHING, readDraft, reconcile, type Draft } from "../src/state/draft";
import { Drafts } from "../src/state/drafts";
import { Clock } from "./hub";

const draft = (text: string, at = 0, line = "") => ({ text, at, line });

test("a text that nobody changed here gives way to what was made of it elsewhere", () => {
  assert.deepEqual(reconcile(NOTHING, draft("from the phone", 5), ""), { show: draft("from the phone", 5), offer: null });
  assert.deepEqual(reconcile(draft("tea", 9, "x"), draft("tea?", 5, "x"), "tea"), { show: draft("tea?", 5, "x"), offer: null });
  assert.deepEqual(reconcile(draft("tea", 9, "x"), draft("mere text"), "tea"), { show: draft("mere text"), offer: null });
  assert.deepEqual(reconcile(draft("tea", 9, "x"), NOTHING, "tea"), { show: NOTHING, offer: null });
});

test("what others know already is not put over what was typed since", () => {
  assert.deepEqual(reconcile(draft("tea, please", 9), draft("tea", 5), "tea"), { show: draft("tea, please", 9), offer: null });
  assert.deepEqual(reconcile(NOTHING, draft("sent already", 5), "sent already"), { show: NOTHING, offer: null });
});

test("of two texts the newer one shows, and the other is offered", () => {
  assert.deepEqual(reconcile(draft("here", 9), draft("there", 5), ""), { show: draft("here", 9), offer: "there" });
  assert.deepEqual(reconcile(draft("here", 5), draft("there", 9), ""), { show: draft("there", 9), offer: "here" });
  assert.deepEqual(reconcile(draft("here", 5, "x"), draft("there", 9, "y"), "here"), { show: draft("there", 9, "y"), offer: "here" }, "of another beginning");
});

test("one that was taken back elsewhere takes no other one along", () => {
  assert.deepEqual(reconcile(draft("changed here", 9), NOTHING, "before"), { show: draft("changed here", 9), offer: null });
});

test("whatever stands in the settings is read or left", () => {
  assert.deepEqual(readDraft("mere text"), draft("mere text"));
  assert.deepEqual(readDraft({ text: "x", at: 3, line: "l", known: "y" }), draft("x", 3, "l"));
  for (const odd of [null, undefined, 7, {}, { text: 5 }, [], { text: "x", at: "y", line: 5 }]) assert.deepEqual([readDraft(odd).at, readDraft(odd).line], [0, ""]);
});

/** Browsers of one user: what one tells, all are told after a while, in the order in which the daemon took it. */
class Site {
  readonly clock = new Clock();
  setting: unknown = null;
  all: Browser[] = [];

  tell(draft: Draft | null, after: number): void {
    this.clock.later(after, () => {
      this.setting = draft;
      for (const one of this.all) this.clock.later(after, () => one.hear(draft));
    });
  }
}

class Browser {
  box = "";
  offered: string | null = null;
  told = 0;
  private heard: unknown;
  private drafts: Drafts;
  private readonly site: Site;
  private readonly kept = new Map<string, string>();
  private readonly delay: number;
  readonly guest: boolean;

  constructor(site: Site, { delay = 50, guest = false } = {}) {
    this.site = site;
    this.delay = delay;
    this.guest = guest;
    this.heard = site.setting;
    this.drafts = this.open();
    site.all.push(this);
  }

  private open(): Drafts {
    const drafts = new Drafts({
      read: (id) => this.kept.get(id) ?? null,
      keep: (id, text) => void (text === null ? this.kept.delete(id) : this.kept.set(id, text)),
      elsewhere: () => readDraft(this.heard),
      shares: () => !this.guest,
      tell: (_, draft) => {
        this.told++;
        this.site.tell(draft, this.delay);
      },
      offer: (_, text) => (this.offered = text),
      now: () => this.site.clock.now,
      later: (ms, run) => this.site.clock.later(ms, run),
    });
    this.box = drafts.begin("c1");
    return drafts;
  }

  hear(draft: unknown): void {
    this.heard = draft;
    this.box = this.drafts.follow("c1") ?? this.box;
  }

  type(text: string): void {
    this.box += text;
    this.drafts.typed("c1", this.box);
  }

  send(): void {
    this.box = "";
    this.drafts.done("c1");
  }

  blur(): void {
    this.drafts.flush("c1");
  }

  reload(): void {
    this.heard = this.site.setting;
    this.drafts = this.open();
  }
}

test("what is typed in one browser stands in the other, told once it is still, and goes when it is sent", async () => {
  const site = new Site();
  const [one, other] = [new Browser(site), new Browser(site)];
  for (const word of ["half ", "a ", "thought"]) {
    one.type(word);
    await site.clock.pass(600);
  }
  assert.equal(one.told, 0);
  await site.clock.pass(1000);
  assert.deepEqual([one.told, other.box], [1, "half a thought"]);
  one.send();
  await site.clock.pass(200);
  assert.deepEqual([other.box, site.setting, other.told], ["", null, 0]);
});

test("a slow word of one's own takes back nothing that was typed since", async () => {
  const site = new Site();
  const one = new Browser(site, { delay: 1500 });
  for (const word of ["a", "b", "c"]) {
    one.type(word);
    one.blur();
    await site.clock.pass(400);
  }
  assert.equal(one.box, "abc");
  await site.clock.pass(10_000);
  assert.equal(one.box, "abc");
  assert.equal(readDraft(site.setting).text, "abc");
  assert.equal(one.offered, null);
});

test("two that write at the same time lose nothing", async () => {
  const site = new Site();
  const [one, other] = [new Browser(site), new Browser(site)];
  one.type("from the desk");
  await site.clock.pass(100);
  other.type("from the phone");
  await site.clock.pass(5000);
  for (const browser of [one, other]) assert.deepEqual([browser.box, browser.offered].sort(), ["from the desk", "from the phone"], "both are there");
  assert.equal(one.box, other.box);
});

test("after a reload the latest text of this tab stands there, and nothing is offered that is its own", async () => {
  const site = new Site();
  const one = new Browser(site);
  one.type("told");
  await site.clock.pass(2000);
  one.type(", and more");
  one.reload();
  assert.deepEqual([one.box, one.offered], ["told, and more", null]);
  await site.clock.pass(2000);
  assert.equal(readDraft(site.setting).text, "told, and more");
});

test("what was sent while the line was cut does not come back", async () => {
  const site = new Site();
  const one = new Browser(site);
  one.type("sent");
  await site.clock.pass(2000);
  const before = site.setting;
  one.send();
  site.setting = before;
  one.reload();
  assert.equal(one.box, "");
});

test("a guest's draft is this tab's alone", async () => {
  const site = new Site();
  const guest = new Browser(site, { guest: true });
  guest.type("mine");
  await site.clock.pass(5000);
  assert.equal(guest.told, 0);
  guest.reload();
  assert.equal(guest.box, "mine");
});

test("what goes on elsewhere is followed without a word, also what one began oneself", async () => {
  const site = new Site();
  const [one, other] = [new Browser(site), new Browser(site)];
  one.type("begun here");
  await site.clock.pass(2000);
  other.type(", finished there");
  await site.clock.pass(2000);
  assert.deepEqual([one.box, one.offered, other.offered], ["begun here, finished there", null, null]);
});
