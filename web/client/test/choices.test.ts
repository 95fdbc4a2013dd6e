// What is chosen, and what follows of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isQuiet, louder, noteOf, notes, occasionOf, sounds, type Call } from "../src/state/alerts";
import { CHOICES, LONGEST_WORD, MOST_WORDS, OCCASIONS, choiceIn, readChoice, readWords } from "../src/state/choices";
import { FIRST_GROUP, groupForNew, LAST_GROUP } from "../src/state/groups";
import { besidePort, changed, isPlain } from "../src/state/ports";
import { SECTIONS } from "../src/ui/settings/layout";
import { en } from "../src/words/en";
import { more } from "../src/words/more";
import { message } from "./fixtures";

test("whatever is stored, a choice is one of the table", () => {
  for (const key of Object.keys(CHOICES) as (keyof typeof CHOICES)[]) {
    for (const value of [null, undefined, 7, "no such thing", [1], {}]) assert.deepEqual(choiceIn({ [key]: value }, key), CHOICES[key].start, `${key} ${String(value)}`);
    assert.deepEqual(choiceIn({ [key]: CHOICES[key].start }, key), CHOICES[key].start);
  }
  assert.equal(choiceIn({ theme: "contrast" }, "theme"), "contrast");
  assert.equal(readChoice("sound", "on"), undefined);
});

test("each choice stands in one place of the settings, and has its words", () => {
  const placed = SECTIONS.flatMap((section) => section.items.flatMap((item) => ("choice" in item ? [item.choice] : [])));
  const inTable = OCCASIONS.flatMap((one) => [`notify_${one}`, `sound_${one}`]);
  assert.deepEqual([...placed, ...inTable, "notify"].sort(), Object.keys(CHOICES).sort());
  const { labels, values, occasions, sections } = more.settings;
  for (const key of placed) {
    assert.ok(labels[key], key);
    const choice = CHOICES[key];
    if (choice.kind === "one") for (const value of choice.values) assert.ok(values[key]?.[value], `${key} ${value}`);
  }
  for (const one of OCCASIONS) assert.ok(occasions[one]);
  for (const section of SECTIONS) assert.ok(sections[section.id]);
  for (const value of CHOICES.theme.values) assert.ok(en.menu[value]);
});

test("words that call are read from lines and commas, once each and within bounds", () => {
  assert.deepEqual(readWords(" Bluebell, c++\n\nbluebell ,  "), ["bluebell", "c++"]);
  assert.deepEqual(readWords("x".repeat(LONGEST_WORD + 1)), []);
  assert.equal(readWords(Array.from({ length: 99 }, (_, n) => `word${n}`).join("\n")).length, MOST_WORDS);
});

test("what calls whom, and how", () => {
  const room = { kind: "room" } as const;
  const im = { kind: "im" } as const;
  assert.equal(occasionOf(im, message("1", "hello")), "message");
  assert.equal(occasionOf(room, message("1", "hello")), "room");
  assert.equal(occasionOf(room, message("1", "ines: hello", { highlight: true })), "mention");
  for (const quiet of [{ delayed: true }, { from: { name: "ines", self: true } }]) assert.equal(occasionOf(im, message("1", "hello", quiet)), null);
  assert.equal(louder(louder(null, "room"), "message"), "message");
  assert.equal(louder("mention", "message"), "mention");
  assert.equal(sounds({}, "message"), true);
  assert.equal(sounds({}, "room"), false);
  assert.equal(sounds({ sound: false }, "message"), false);
  assert.equal(notes({}, "message"), false, "nobody is shown what they did not ask for");
  assert.equal(notes({ notify: true }, "message"), true);
  assert.equal(notes({ notify: true, notify_message: false }, "message"), false);
  assert.equal(isQuiet({}, "unavailable"), true);
  assert.equal(isQuiet({}, "available"), false);
  assert.equal(isQuiet({ quiet_busy: false }, "unavailable"), false);
});

test("a notification shows as much as its user wants", () => {
  const said: Call = { occasion: "message", conversation: "c1", who: "Bob", text: "a secret" };
  assert.deepEqual(noteOf([said], "text", en.notes), { title: "Bob", body: "a secret" });
  for (const show of ["name", "nothing"] as const) {
    const note = noteOf([said, said], show, en.notes);
    assert.equal(note?.body, "2 new messages");
    assert.equal(note?.title, show === "name" ? "Bob" : "Bellflower");
  }
  const asked: Call = { occasion: "question", conversation: null, who: "", text: "" };
  assert.deepEqual(noteOf([asked], "text", en.notes), { title: "Bellflower", body: en.notes.question });
  assert.equal(noteOf([], "text", en.notes), null);
});

test("somebody new goes where the last one went, and never where the alphabet begins", () => {
  const groups = new Map([["Aunts", { name: "Aunts", order: 0, collapsed: false }], ["Work", { name: "Work", order: 1, collapsed: false }]]);
  assert.equal(groupForNew({}, groups), FIRST_GROUP);
  assert.equal(groupForNew({ [LAST_GROUP]: "Work" }, groups), "Work");
  assert.equal(groupForNew({ [LAST_GROUP]: "Gone" }, groups), FIRST_GROUP);
});

test("the box of the port follows the box of TLS, unless the port is one's own", () => {
  const irc = { ssl: true, port: "6697" };
  const plain = changed("prpl-irc", irc, "ssl", false);
  assert.deepEqual(plain, { ssl: false, port: "6667" });
  assert.deepEqual(changed("prpl-irc", plain, "ssl", true), irc);
  assert.deepEqual(changed("prpl-irc", { ssl: true, port: "7000" }, "ssl", false), { ssl: false, port: "7000" });
  assert.deepEqual(changed("prpl-irc", irc, "port", "7000"), { ssl: true, port: "7000" });
  assert.deepEqual(changed("prpl-jabber", { connection_security: "require_tls", port: "5222" }, "connection_security", "old_ssl"), { connection_security: "old_ssl", port: "5223" });
  assert.deepEqual(changed("prpl-other", { ssl: true, port: "1" }, "ssl", false), { ssl: false, port: "1" });
  assert.deepEqual(besidePort("prpl-irc", { port: 7000 }, { ssl: true, port: "7000" }), { ssl: true });
  assert.deepEqual(besidePort("prpl-irc", { encoding: "x" }, irc), {});
  assert.equal(isPlain("prpl-irc", plain), true);
  assert.equal(isPlain("prpl-jabber", { connection_security: "opportunistic_tls" }), false);
});
