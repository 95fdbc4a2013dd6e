// What people and rooms are called, the order of names, and colours.
import assert from "node:assert/strict";
import { test } from "node:test";
import { addressIn, named, networkIn, ownName, shortName, talkTitle, toneOf } from "../src/state/names";
import { compareNames } from "../src/state/order";

test("a room is called by its name, not by its address", () => {
  const room = (name: string, title = name) => talkTitle({ kind: "room", name, title });
  assert.equal(room("gardeners@rooms.example.org"), "gardeners");
  assert.equal(room("#rust"), "#rust");
  assert.equal(room("#a@b"), "#a");
  assert.equal(room("gardeners@rooms.example.org", "The Gardeners"), "The Gardeners");
});

test("somebody without a better name is called by the first part of the address, somebody in a room by the nick", () => {
  const im = (name: string, title = name) => talkTitle({ kind: "im", name, title });
  assert.equal(im("otto@example.org"), "otto");
  assert.equal(im("otto@example.org", "Otto Lund"), "Otto Lund");
  assert.equal(im("gardeners@rooms.example.org/Noor"), "Noor");
  assert.equal(im("sip:bob@example.org"), "bob");
  assert.equal(im("nadia"), "nadia");
  assert.equal(im("an @ in words"), "an @ in words");
});

test("oneself has a name, too", () => {
  assert.equal(ownName({ alias: "", username: "ines@example.org/Home" }), "Ines");
  assert.equal(ownName({ alias: "", username: "ines@example.org/" }), "Ines");
  assert.equal(ownName({ alias: "Inês", username: "ines@example.org" }), "Inês");
  assert.equal(ownName({ alias: "", username: "Ωmega@irc.example.org" }), "Ωmega");
  assert.equal(shortName("ines@irc.example.org"), "ines");
});

test("a name means who has exactly it, else who has it in other letters; accents count", () => {
  const all = ["ANNA@x", "anna@x", "bob@x", "José@x"].map((name) => ({ name }));
  const of = (name: string) => named(all, name)?.name;
  assert.equal(of("anna@x"), "anna@x");
  assert.equal(of("Anna@x"), "ANNA@x");
  assert.equal(of("BOB@X"), "bob@x");
  assert.equal(of("josé@x"), "José@x");
  assert.equal(of("anná@x"), undefined);
  assert.equal(of("jose@x"), undefined);
});

test("the address in a link is read, also where it is written badly", () => {
  assert.equal(addressIn("mailto:a%2Bb@x.example?subject=c"), "a+b@x.example");
  assert.equal(addressIn("XMPP:room@x.example?join"), "room@x.example");
  assert.equal(addressIn("mailto:50%@x.example"), "50%@x.example");
  assert.equal(addressIn("https://x.example"), null);
});

test("one has one colour, by address, nick, and in a room", () => {
  const noor = toneOf("noor@example.org");
  for (const name of ["noor", "Noor", "NOOR_", "gardeners@rooms.example.org/Noor", "nóor@elsewhere.test"]) assert.equal(toneOf(name), noor, name);
  const tones = new Set(Array.from({ length: 200 }, (_, at) => toneOf(`person${at}@example.org`)));
  assert.equal(tones.size, 12, "all colours are used");
});

test("names are ordered as people count: 2 before 10", () => {
  const sort = (names: string[]) => [...names].sort(compareNames);
  assert.deepEqual(sort(["Room 10", "room 2", "Room 1"]), ["Room 1", "room 2", "Room 10"]);
  assert.deepEqual(sort(["b", "a10", "a9", "a010", "a"]), ["a", "a9", "a10", "a010", "b"]);
  assert.deepEqual(sort(["Zoe", "Élise", "abel", "Éva 12", "Eva 3"]), ["abel", "Élise", "Eva 3", "Éva 12", "Zoe"]);
  assert.deepEqual(sort(["1000000000000", "999999999999"]).length, 2);
});

test("a network is a whole word of its plugin's id", () => {
  const names = ["steam", "teams", "skype", "whatsapp", "telegram"];
  const is = (id: string, name: string | undefined) => assert.equal(networkIn(id, names), name, id);
  is("msteams", "teams");
  is("steam-mobile", "steam");
  is("bigbrownchunx-skypeweb", "skype");
  is("gowhatsapp", "whatsapp");
  is("telegram-tdlib", "telegram");
  is("upstream", undefined);
  is("steamed", undefined);
});
