// The rows of the buddy list: groups, contacts, order, search, ten thousand buddies.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Talk } from "../src/state/model";
import { peopleOf, personsOf, presenceOf, rosterRows, type RosterInput, type Row } from "../src/state/roster";
import type { Buddy } from "../src/wire/types";
import { buddy, conversation } from "./fixtures";

function input(buddies: Buddy[], more: Partial<RosterInput> = {}): RosterInput {
  return {
    people: peopleOf(buddies), groups: new Map(), talks: new Map(), query: "", hideOffline: false, collapsed: new Set(),
    conversationsFirst: false, words: { rooms: "Rooms", conversations: "Conversations", noGroup: "Buddies" }, ...more,
  };
}
const show = (rows: Row[]) => rows.map((row) => (row.kind === "section" ? `# ${row.title} ${row.shown}/${row.total}` : row.kind === "person" ? row.person.name : row.kind === "talk" ? row.talk.title : row.kind === "mark" ? `(${row.mark.name})` : row.text));
const talk = (id: string, more = {}): Talk => ({ ...conversation(id, more), messages: [], more: false, gap: null, past: null });

test("who is online stands first, then by name; groups by their order", () => {
  const rows = rosterRows(input(
    [buddy("z", { alias: "Zoe" }), buddy("a", { alias: "Abel", status: "offline" }), buddy("m", { alias: "Max", status: "away" }), buddy("w", { alias: "Wren", group: "Work" }), buddy("e", { alias: "Élise" })],
    { groups: new Map([["Friends", { name: "Friends", order: 2, collapsed: false }], ["Work", { name: "Work", order: 1, collapsed: false }]]) },
  ));
  assert.deepEqual(show(rows), ["# Work 1/1", "Wren", "# Friends 3/4", "Élise", "Zoe", "Max", "Abel"]);
});

test("buddies of one contact are one person, shown by the one that can be reached best", () => {
  const rows = rosterRows(input([buddy("f1", { contact: "c", alias: "Freya", status: "offline" }), buddy("f2", { contact: "c", alias: "Freya on the phone", status: "available" })]));
  assert.deepEqual(show(rows), ["# Friends 1/1", "Freya on the phone"]);
});

test("a search looks through names, addresses and words, without case and accents, into folded groups", () => {
  const list = [buddy("d", { alias: "Hana Dvořák" }), buddy("x", { alias: "Otto", status_message: "deploying" }), buddy("o", { alias: "Nobody", status: "offline" })];
  const find = (query: string) => show(rosterRows(input(list, { query, hideOffline: true, collapsed: new Set(["Friends"]) }))).slice(1);
  assert.deepEqual(find("dvor"), ["Hana Dvořák"]);
  assert.deepEqual(find("DEPLOY"), ["Otto"]);
  assert.deepEqual(find("o@example"), ["Nobody"]);
  assert.deepEqual(find("zzz"), []);
});

test("offline buddies can be hidden, but not those who have written", () => {
  const rows = rosterRows(input([buddy("a", { alias: "Abel", status: "offline" }), buddy("b", { alias: "Bert", status: "offline" })], { hideOffline: true, talks: new Map([["t1", talk("t1", { buddy: "b", unread: 2 })]]) }));
  assert.deepEqual(show(rows), ["# Friends 0/2", "Bert"]);
});

test("rooms to come back to stand with the rooms, unless they are open", () => {
  const mark = (id: string, name: string, conversation?: string) => ({ id, account: "a1", name, fields: {}, autojoin: false, ...(conversation ? { conversation } : {}) });
  const talks = new Map([["r", talk("r", { kind: "room", title: "#rust" })], ["t", talk("t", { title: "Noor" })]]);
  const bookmarks = new Map([mark("b1", "zoo"), mark("b2", "Rust", "r"), mark("b3", "attic", "gone")].map((one) => [one.id, one]));
  assert.deepEqual(show(rosterRows(input([], { talks, bookmarks }))), ["# Rooms 3/3", "#rust", "(attic)", "(zoo)"]);
  assert.deepEqual(show(rosterRows(input([], { talks, bookmarks, conversationsFirst: true }))), ["# Conversations 2/2", "#rust", "Noor", "# Rooms 2/2", "(attic)", "(zoo)"]);
  assert.deepEqual(show(rosterRows(input([], { talks, bookmarks, query: "ZO" }))), ["# Rooms 1/1", "(zoo)"]);
});

test("rooms stand below, or all conversations on top, those with news first", () => {
  const talks = new Map([["r", talk("r", { kind: "room", title: "#rust" })], ["t", talk("t", { title: "Noor", unread: 1 })]]);
  assert.deepEqual(show(rosterRows(input([], { talks }))), ["# Rooms 1/1", "#rust"]);
  assert.deepEqual(show(rosterRows(input([], { talks, conversationsFirst: true }))), ["# Conversations 2/2", "Noor", "#rust"]);
});

test("whose conversation stands on top stands nowhere else, unless it does not show", () => {
  const people = peopleOf([buddy("n", { alias: "Noor" }), buddy("o", { alias: "Otto", status_message: "deploying" }), buddy("o2", { alias: "Otto on the phone", contact: "o" })]);
  const talks = new Map([["t", talk("t", { title: "Otto", buddy: "o2" })], ["r", talk("r", { kind: "room", title: "#rust" })]]);
  const rows = (more: Partial<RosterInput> = {}) => rosterRows({ ...input([], { talks, conversationsFirst: true, ...more }), people, persons: personsOf(people) });
  assert.deepEqual(show(rows()), ["# Conversations 2/2", "Otto", "#rust", "# Friends 2/2", "Noor"]);
  const [, otto] = rows();
  assert.ok(otto?.kind === "talk" && otto.person?.buddies.length === 2 && otto.key === otto.person.key, "the row is theirs, with all of them");
  assert.deepEqual(show(rows({ collapsed: new Set(["\u0000talks"]) })), ["# Conversations 2/2", "# Friends 2/2", "Noor", "Otto"]);
  assert.deepEqual(show(rows({ query: "deploy" })), ["# Friends 2/2", "Otto"]);
  assert.deepEqual(show(rows({ query: "otto" })), ["# Conversations 1/1", "Otto"]);
  assert.deepEqual(show(rows({ conversationsFirst: false })), ["# Friends 2/2", "Noor", "Otto", "# Rooms 1/1", "#rust"]);
});

test("names with numbers stand as people count", () => {
  const rows = rosterRows(input([buddy("a", { alias: "Desk 10" }), buddy("b", { alias: "Desk 2" }), buddy("c", { alias: "Zed", group: "Team 10" }), buddy("d", { alias: "Yan", group: "Team 9" })]));
  assert.deepEqual(show(rows), ["# Friends 2/2", "Desk 2", "Desk 10", "# Team 9 1/1", "Yan", "# Team 10 1/1", "Zed"]);
});

test("what a status means", () => {
  assert.equal(presenceOf("available"), "online");
  assert.equal(presenceOf("available", "2026-11-22T20:00:00Z"), "away");
  assert.equal(presenceOf("extended_away"), "away");
  assert.equal(presenceOf("unavailable"), "busy");
  assert.equal(presenceOf("offline"), "offline");
  assert.equal(presenceOf(undefined), "offline");
});

test("ten thousand buddies are searched within a frame or three", () => {
  const many = Array.from({ length: 10_000 }, (_, at) => buddy(`b${at}`, { alias: `Person ${(at * 7919) % 10_000}`, group: `G${at % 20}`, status: at % 3 ? "available" : "offline" }));
  const all = input(many);
  rosterRows(all);
  const from = performance.now();
  const rows = rosterRows({ ...all, query: "person 99" });
  const took = performance.now() - from;
  assert.ok(rows.length > 100);
  assert.ok(took < 500, `${took} ms`);
});
