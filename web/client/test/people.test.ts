// People: the order of the list, what oneself shows, how a picture becomes an icon, parts of a profile.
import assert from "node:assert/strict";
import { test } from "node:test";
import { attempts, centred, moved, mostBytes, zoomed, zoomOf } from "../src/state/icon";
import { shownStatus } from "../src/state/presence";
import { byLastTalk, peopleOf } from "../src/state/roster";
import type { Account, Buddy, IconSpec, ProfileEntry } from "../src/wire/types";
import { cardFor, partsOf } from "../src/state/profile";

const buddy = (name: string, status = "available", fields: Partial<Buddy> = {}): Buddy =>
  ({ id: name, account: "a1", name, alias: "", group: "Friends", contact: name, status, blocked: false, ...fields }) as Buddy;
const names = (people: ReturnType<typeof peopleOf>) => people.get("Friends")?.map((one) => one.name);

test("people are in order by presence, by name, or by when one talked", () => {
  const all = [buddy("carla", "offline"), buddy("bob", "away"), buddy("anna"), buddy("dora")];
  assert.deepEqual(names(peopleOf(all)), ["anna", "dora", "bob", "carla"]);
  assert.deepEqual(names(peopleOf(all, true)), ["anna", "bob", "carla", "dora"]);
  const talked = byLastTalk(peopleOf(all), new Map([["carla", 5], ["dora", 7], ["anna", 0]]));
  assert.deepEqual(names(talked), ["dora", "carla", "anna", "bob"]);
  assert.deepEqual(names(byLastTalk(peopleOf(all), new Map())), ["anna", "dora", "bob", "carla"]);
});

test("of somebody who is reached in several ways the last talk counts", () => {
  const people = peopleOf([buddy("anna"), buddy("bob", "away", { id: "b1", contact: "b" }), buddy("bob2", "offline", { id: "b2", contact: "b" })]);
  assert.deepEqual(names(byLastTalk(people, new Map([["anna", 3], ["b2", 4]]))), ["bob", "anna"]);
});

const account = (id: string, status: string, state = "online", fields: Partial<Account> = {}): Account => ({ id, username: id, status, state, ...fields }) as Account;

test("what most accounts show stands for oneself, and the others are named", () => {
  const own = { status: "available" as const, message: "at home" };
  assert.equal(shownStatus([], own), null);
  assert.equal(shownStatus([account("a", "away", "offline")], own), null);
  assert.deepEqual(shownStatus([account("a", "available")], own), { status: "available", message: "at home", others: [] });
  const [a, b, c] = [account("a", "available"), account("b", "away", "online", { status_message: "lunch" }), account("c", "away")];
  assert.deepEqual(shownStatus([b, a], own), { status: "available", message: "at home", others: [b] }, "of as many, what was chosen for all");
  assert.deepEqual(shownStatus([a, b, c], own), { status: "away", message: "lunch", others: [a] });
  assert.deepEqual(shownStatus([b], own), { status: "away", message: "lunch", others: [] }, "nobody shows what was chosen for all");
});

const spec = (formats: string[], side = 96, bytes = 0, least = 32): IconSpec => ({ formats, min_width: least, min_height: least, max_width: side, max_height: side, max_bytes: bytes });

test("an icon is written in what its network takes, the best first", () => {
  assert.deepEqual(attempts(spec(["png"])), [96, 72, 54, 40, 32].map((side) => ({ type: "image/png", side })));
  const [first, second] = attempts(spec(["gif", "jpeg", "png"], 0));
  assert.deepEqual([first, second], [{ type: "image/png", side: 256 }, { type: "image/jpeg", quality: 0.9, side: 256 }]);
  assert.deepEqual(attempts(spec(["gif"])), []);
  assert.deepEqual(attempts(spec(["png"], 16, 0, 32)).map((one) => one.side), [16], "never larger than the largest");
  assert.equal(mostBytes(spec(["png"], 96, 7168)), 7168);
  assert.ok(mostBytes(spec(["png"], 96, 0)) > 0);
});

test("the part of a picture stays within it", () => {
  const size = { width: 600, height: 400 };
  const crop = centred(size);
  assert.deepEqual(crop, { x: 100, y: 0, side: 400 });
  assert.deepEqual(moved(crop, 999, 999, size), { x: 200, y: 0, side: 400 });
  assert.deepEqual(moved(crop, -999, -1, size), { x: 0, y: 0, side: 400 });
  const close = zoomed(crop, 4, size);
  assert.deepEqual(close, { x: 250, y: 150, side: 100 });
  assert.equal(zoomOf(close, size), 4);
  assert.deepEqual(zoomed(moved(close, 999, 999, size), 1, size), { x: 200, y: 0, side: 400 });
  assert.equal(zoomed(crop, 1000, size).side, 50, "no closer than eight times");
});

test("a profile is parts with something in them", () => {
  const pair = (label: string): ProfileEntry => ({ kind: "pair", label, value: [{ text: label }] });
  const parts = partsOf([{ kind: "break" }, pair("a"), { kind: "break" }, { kind: "heading", label: "Address" }, pair("b"), pair("c"), { kind: "heading", label: "Empty" }]);
  assert.deepEqual(parts.map((part) => [part.heading, part.entries.map((one) => one.label)]), [["", ["a"]], ["Address", ["b", "c"]]]);
});

test("a profile is for the card that is open, and for nobody else's", () => {
  const card = (name: string, closed = false) => ({ name, closed });
  const [open, closed, other] = [card("anna@x"), card("anna@x", true), card("bob@x")];
  assert.equal(cardFor([closed, open], "anna@x"), open, "it was opened again");
  assert.equal(cardFor([closed, open], "ANNA@x/phone"), open);
  assert.equal(cardFor([closed, open], "7734"), open, "the network's own way to write it");
  assert.equal(cardFor([closed, other], "anna@x"), closed);
  assert.equal(cardFor([closed, other], "7734"), undefined);
  assert.equal(cardFor([open, card("anná@x")], "anná@x")?.name, "anná@x");
  assert.equal(cardFor([], "anna@x"), undefined);
});
