// Light marks in texts, and what becomes of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { format } from "../src/state/format";
import { bigEmoji } from "../src/state/messages";
import { formatted, marked, readsMarks, type Block, type Piece } from "../src/state/marks";
import type { Span } from "../src/wire/types";

const STYLES = [["bold", "b"], ["italic", "i"], ["strike", "s"], ["code", "c"]] as const;
/** A piece as `text{styles}`; a sign as `‹text›`. */
const said = (piece: Piece): string => {
  const styles = STYLES.filter(([name]) => piece[name]).map(([, letter]) => letter).join("") + (piece.link ? "L" : "");
  return piece.sign ? `‹${piece.text}›` : styles ? `${piece.text}{${styles}}` : piece.text;
};
const shown = (blocks: readonly Block[]): string =>
  blocks.map((block) => (block.kind === "quote" ? `[${shown(block.blocks)}]` : block.kind === "code" ? `#${block.pieces.map(said).join("")}#` : block.pieces.map(said).join(""))).join("");
const of = (text: string): string => shown(marked([{ text }]));

const whole = (blocks: readonly Block[]): string => blocks.map((block) => (block.kind === "quote" ? whole(block.blocks) : block.pieces.map((piece) => piece.text).join(""))).join("");

test("signs style what is between them, and stay", () => {
  for (const [text, is] of [
    ["plain", "plain"],
    ["*bold* and _italic_", "‹*›bold{b}‹*› and ‹_›italic{i}‹_›"],
    ["~gone~, `code *x*`", "‹~›gone{s}‹~›, ‹`›code *x*{c}‹`›"],
    ["*both _at once_*", "‹*›both {b}‹_›at once{bi}‹_›‹*›"],
    ["**two** and ~~two~~", "‹**›two{b}‹**› and ‹~~›two{s}‹~~›"],
    ["(*in brackets*)!", "(‹*›in brackets{b}‹*›)!"],
    ["*one* *two*", "‹*›one{b}‹*› ‹*›two{b}‹*›"],
    ["*über* _日本_", "‹*›über{b}‹*› ‹_›日本{i}‹_›"],
  ] as const) {
    assert.equal(of(text), is, text);
  }
});

test("no sign within words, sums, paths, faces, or without an end", () => {
  for (const text of [
    "snake_case_name and _private", "2*3*4", "a * b * c", "* item\n* item", "*open", "ends*", "**", "****", "* *", "`", "_ _", "/usr/_foo", "C:\\*.txt, *.rs and *.ts",
    "~/notes and ~/more", "*over\nlines*", "O(n*m) _x", "__init__", ">:( >_< >.<", "a_b_c _d_e", "5~6~7", "\\o/ *\\o/", "*a*b", "```", "```\n",
  ]) {
    assert.equal(of(text), text, text);
  }
});

test("blocks of code and quotes", () => {
  for (const [text, is] of [
    ["look:\n```\nlet *x* = 1;\n> no\n```\nso *there*", "look:\n#‹```\n›let *x* = 1;\n{c}> no\n{c}‹```\n›#so ‹*›there{b}‹*›"],
    ["```rust\nfn main() {}", "#‹```rust\n›fn main() {}{c}#"],
    ["```c++ \nx", "#‹```c++ \n›x{c}#"],
    ["```do NOT restart\nrestart now", "#‹```›do NOT restart\n{c}restart now{c}#"],
    ["```rm -r x\n```\nso *there*", "#‹```›rm -r x\n{c}‹```\n›#so ‹*›there{b}‹*›"],
    ["```do NOT restart", "```do NOT restart"],
    ["```one line```", "```one line```"],
    ["> Bob: *hi*\n> there\nyes", "[‹> ›Bob: ‹*›hi{b}‹*›\n‹> ›there\n]yes"],
    ["> > deep\n> less", "[[‹> ›‹> ›deep\n]‹> ›less]"],
    [">quoted", "[‹>›quoted]"],
    ["> ```\n> x\n> ```", "[#‹> ›‹```\n›‹> ›x\n{c}‹> ›‹```›#]"],
    ["a > b", "a > b"],
  ] as const) {
    const blocks = marked([{ text }]);
    assert.equal(whole(blocks).length, text.length, text);
    if (!text.startsWith("> >")) assert.equal(shown(blocks), is, text);
  }
});

test("the pieces are the text, whatever it is", () => {
  const parts = ["*", "_", "~", "`", "```", "> ", ">", "\n", " ", "a", "snake_case", "**", "é", "👍", "\n\n", "[x](https://x.example)"];
  let seed = 7;
  const next = (n: number) => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) % n;
  for (let round = 0; round < 4000; round++) {
    const text = Array.from({ length: 1 + next(14) }, () => parts[next(parts.length)] ?? "").join("");
    assert.equal(whole(marked([{ text }])), text, JSON.stringify(text));
  }
});

test("addresses and what is formatted already are left alone", () => {
  const link: Span = { text: "https://x.example/a_b_*c*", link: "https://x.example/a_b_*c*" };
  assert.equal(shown(marked([{ text: "_see " }, link, { text: "_ now" }])), "‹_›see {i}https://x.example/a_b_*c*{iL}‹_› now");
  assert.equal(shown(marked([{ text: "*" }, { ...link, text: "a*" }, { text: " b" }])), "*a*{L} b");
  assert.equal(shown(marked([{ text: "*x*", code: true }])), "*x*{c}");
  assert.equal(shown(marked([{ text: "*x*", bold: true }])), "‹*›x{b}‹*›");
});

test("what has too many pieces, signs or quotes is shown as it is", () => {
  const pieces = (count: number): Span[] => Array.from({ length: count }, (_, at) => ({ text: at === 0 ? "*a*" : " b" }));
  assert.ok(shown(marked(pieces(300))).startsWith("‹*›a{b}‹*› b"));
  assert.deepEqual(marked(pieces(301)), [{ kind: "text", pieces: pieces(301) }]);
  assert.ok(of("*a* ".repeat(250)).startsWith("‹*›a{b}‹*›"));
  assert.equal(of("*a* ".repeat(251)), "*a* ".repeat(251));
  assert.ok(of("> a\n".repeat(500)).startsWith("[‹> ›a"));
  assert.equal(of("> a\n".repeat(501)), "> a\n".repeat(501));
});

test("long rows of signs take no time", () => {
  const begin = performance.now();
  for (const text of ["*a ".repeat(6600), "*".repeat(19_999), "_a *b ~c ".repeat(2000), "> ".repeat(9999), "`a".repeat(9999)]) assert.equal(whole(marked([{ text }])), text);
  assert.ok(performance.now() - begin < 2000, `${performance.now() - begin} ms`);
  assert.equal(marked([{ text: "*a* ".repeat(9000) }]).length, 1);
});

test("what is sent where formatting can go", () => {
  assert.equal(formatted("nothing here", true), undefined);
  assert.equal(formatted("> only a quote", true), undefined);
  assert.equal(formatted("/topic *new*", true), undefined);
  // A text that is no command must not become one when its signs are taken away.
  for (const text of ["`/part`", "*/quit* now", "_*／quit*_", "> `/part`", "```\n/part\n```", "[/part](https://x.example)", "`\u3164/part`", "`\u200b /part`"]) {
    for (const signs of [true, false]) assert.equal(formatted(text, signs), undefined, `${text} ${signs}`);
  }
  assert.deepEqual(formatted("see `/part`", false), [{ text: "see " }, { text: "/part", code: true }]);
  assert.deepEqual(formatted("a *b*", true), [{ text: "a *" }, { text: "b", bold: true }, { text: "*" }]);
  assert.deepEqual(formatted("a *b _c_*", false), [{ text: "a " }, { text: "b ", bold: true }, { text: "c", bold: true, italic: true }]);
  assert.deepEqual(formatted("see [the *page*](https://x.example/a_b_) now", true), [{ text: "see " }, { text: "the *page*", link: "https://x.example/a_b_" }, { text: " now" }]);
  assert.deepEqual(formatted("[x](javascript:alert)", true), undefined);
  assert.deepEqual(formatted("> it is\n*no*", false), [{ text: "> it is\n" }, { text: "no", bold: true }]);
  assert.deepEqual(formatted("```\nx\n```", false), [{ text: "x\n", code: true }]);
  assert.equal(readsMarks("prpl-jabber"), true);
  assert.equal(readsMarks("prpl-irc"), false);
});

test("buttons put signs around words, and take them away again", () => {
  const press = (text: string, start: number, end: number, how: Parameters<typeof format>[3]) => {
    const { from, to, text: made, select } = format(text, start, end, how);
    const all = text.slice(0, from) + made + text.slice(to);
    return [all, all.slice(...select)];
  };
  assert.deepEqual(press("say it now", 4, 7, "bold"), ["say *it* now", "it"]);
  assert.deepEqual(press("say *it* now", 5, 7, "bold"), ["say it now", "it"]);
  assert.deepEqual(press("say *it* now", 4, 8, "bold"), ["say it now", "it"]);
  assert.deepEqual(press("", 0, 0, "italic"), ["__", ""]);
  assert.deepEqual(press("one\ntwo", 0, 7, "strike"), ["~one~\n~two~", "~one~\n~two~"]);
  assert.deepEqual(press("one\ntwo", 0, 7, "code"), ["```\none\ntwo\n```", "one\ntwo"]);
  assert.deepEqual(press("the page", 4, 8, "link"), ["the [page](https://)", ""]);
  assert.deepEqual(press("https://x.example", 0, 17, "link"), ["[](https://x.example)", ""]);
});

test("one to three emoji and nothing else are large", () => {
  for (const text of ["🙂", "❤", "❤️", "👍🏽", "👨‍👩‍👧 🏳️‍🌈", "🇫🇷🇩🇪🇪🇸", "1️⃣", " 🏴󠁧󠁢󠁳󠁣󠁴󠁿 "]) assert.ok(bigEmoji(text), text);
  for (const text of ["", "12", "#", "🙂🙂🙂🙂", "🙂 ok", "©", "™", "a", "🇫", "* *"]) assert.ok(!bigEmoji(text), text);
});
