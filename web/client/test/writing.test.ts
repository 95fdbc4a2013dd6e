// Help for the writer: quotes, pasted texts, names, emoji.
import assert from "node:assert/strict";
import { test } from "node:test";
import text from "emoji-table";
import { closedName, mention, nicks, tokenAt, wordAt } from "../src/state/complete";
import { COMMON, named, readTable, search, shortcode, toned } from "../src/state/emoji";
import { asBlock, asOneLine, isMany, linesIn } from "../src/state/paste";
import { quoted } from "../src/state/quote";
import { message } from "./fixtures";

const groups = readTable(text);
const first = (typed: string) => search(groups, typed, 1)[0]?.emoji;

test("a quote stands before the draft, with its writer's name", () => {
  assert.equal(quoted("hello\nyou", "Bob", "and me", false), "> Bob: hello\n> you\nand me");
  assert.equal(quoted("hello", "Bob", "", false), "> Bob: hello\n");
  assert.equal(quoted("> Ines: before\nmy answer", "Bob", "", false), "> Bob: > Ines: before\n> my answer\n");
  assert.equal(quoted("/me waves", "Bob", "", false), "> * Bob waves\n");
  assert.equal(quoted("1\n2\n3\n4\n5\n6\n7", "B", "", false), "> B: 1\n> 2\n> 3\n> 4\n> 5\n> 6\n> …\n");
  // The quote is a single line where each line is a message of its own.
  assert.equal(quoted("hello\n\nyou", "Bob", "x", true), "> Bob: hello you\nx");
  assert.equal(quoted("x".repeat(300), "Bob", "", true).length, 2 + 120 + 2);
});

test("what has many lines asks", () => {
  assert.deepEqual(linesIn("a\r\n\n b \n"), ["a", " b "]);
  assert.ok(!isMany("1\n2\n3", true) && isMany("1\n2\n3\n4", true) && !isMany("1\n\n\n\n2\n", true));
  assert.ok(!isMany("1\n2\n3\n4", false) && isMany("x\n".repeat(10), false));
  assert.equal(asOneLine("a\n  b\n\nc"), "a b c");
  assert.equal(asBlock("a\r\nb\n"), "```\na\nb\n```\n");
  assert.equal(asBlock("a", "so:"), "\n```\na\n```\n");
});

test("what is being typed", () => {
  const at = (typed: string, room = true) => tokenAt(typed, typed.length, room);
  assert.deepEqual(at("hi @bo"), { kind: "nick", start: 3, query: "bo" });
  assert.deepEqual(at("@"), { kind: "nick", start: 0, query: "" });
  assert.equal(at("@bo", false), null);
  assert.equal(at("bob@example"), null);
  assert.deepEqual(at("so :smi"), { kind: "emoji", start: 3, query: "smi" });
  for (const none of [":", ":D", "12:30", "http://x", "a:smile", ": smile", ":)"]) assert.equal(at(none), null, none);
  assert.deepEqual(closedName("oh :tada:", 9), { kind: "emoji", start: 3, query: "tada" });
  assert.equal(closedName("10:20:", 6), null);
  assert.deepEqual(wordAt("well, Bo", 8), { kind: "nick", start: 6, query: "Bo" });
  assert.equal(wordAt("well ", 5), null);
  assert.equal(wordAt(`a ${"x".repeat(80)}`, 82)?.query.length, 80);
  assert.equal(wordAt("x".repeat(81), 81), null);
});

test("who spoke last is named first, and never oneself", () => {
  const talk = {
    nick: "bea",
    members: ["bea", "bob", "Bert", "carla", "bill"].map((name) => ({ name })),
    messages: [message("1", "x", { from: { name: "bill", self: false } }), message("2", "y", { from: { name: "bob", self: false } })],
  };
  assert.deepEqual(nicks(talk, "b"), ["bob", "bill", "Bert"]);
  assert.deepEqual(nicks(talk, "@BE"), ["Bert"]);
  assert.equal(mention("bo", 0, "bob"), "bob: ");
  assert.equal(mention("a bo", 2, "bob"), "bob ");
  assert.equal(mention("a\nbo", 2, "bob"), "bob: ");
  // A nick must not make a command of the text.
  for (const name of ["/quit", " ／quit", "\u200b/quit", "\u3164/quit"]) assert.equal(mention("x", 0, name), `@${name}: `, name);
  assert.equal(mention(" x", 1, "/quit"), "@/quit ");
  assert.equal(mention("a x", 2, "/quit"), "/quit ");
});

test("in a full room each name is looked at once to put them in order", (t) => {
  const members = Array.from({ length: 400 }, (_, at) => ({ name: `é${(at * 7) % 400}` }));
  const looks = t.mock.method(String.prototype, "normalize").mock;
  const found = nicks({ nick: "me", members, messages: [] }, "é");
  assert.equal(looks.callCount(), 400);
  assert.deepEqual(found, Array.from({ length: 400 }, (_, at) => `é${at}`));
});

test("emoji are found by Unicode's names and by common words", () => {
  assert.equal(groups.length, 9);
  assert.ok(groups.reduce((sum, group) => sum + group.list.length, 0) > 1800);
  assert.equal(shortcode("piñata: thumbs up!"), "pinata_thumbs_up");
  for (const [typed, is] of [["thumbs_up", "👍"], ["thumbsup", "👍"], ["+1", "👍"], ["heart", "❤️"], ["joy", "😂"], ["tada", "🎉"], ["fire", "🔥"], ["grinning_face", "😀"], ["germany", "🇩🇪"], ["keycap_#", "#️⃣"]] as const) {
    assert.equal(first(typed), is, typed);
  }
  assert.deepEqual(search(groups, "no such thing at all", 5), []);
  assert.equal(named(groups, "thumbs_up")?.emoji, "👍");
  assert.equal(named(groups, "thumbs_u"), null);
  const known = new Set(groups.flatMap((group) => group.list.map((one) => one.emoji)));
  for (const one of COMMON) assert.ok(known.has(one), one);
});

test("skin has the tone that was chosen, where there is skin", () => {
  const tone = (typed: string) => toned(named(groups, typed) ?? { emoji: "", name: "", words: [], tones: false }, "medium");
  assert.equal(tone("thumbs_up"), "👍🏽");
  assert.equal(tone("grinning_face"), "😀");
  assert.equal(tone("index_pointing_up"), "☝🏽");
  assert.equal(tone("man_technologist"), "👨🏽‍💻");
  assert.equal(toned({ emoji: "👍", name: "", words: [], tones: true }, "none"), "👍");
});
