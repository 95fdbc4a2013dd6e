// The reader of event streams: the same blocks however the bytes are cut, and an end to what has none.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Block, Blocks, Lines } from "../src/net/blocks";

const bytes = (text: string) => new TextEncoder().encode(text);

const SAMPLE = `\
retry: 1000
event: heartbeat
data: {"seq":4711}

: a comment
id: e1:4712
data: {"text":"Grüße, 北京 \u{1f343}"}

data:no space
data:  two
data
colour: violet
unknown

event: end

event: end
data: {"end":"hold"}

data: never finished
`;
const READ: Block[] = [
  { event: "heartbeat", data: '{"seq":4711}' },
  { event: "message", data: '{"text":"Grüße, 北京 \u{1f343}"}' },
  { event: "message", data: "no space\n two\n" },
  { event: "end", data: '{"end":"hold"}' },
];

for (const [ends, text] of [["LF", SAMPLE], ["CR LF", SAMPLE.replaceAll("\n", "\r\n")]] as const) {
  test(`blocks with ${ends} are the same wherever they are cut`, () => {
    const all = bytes(text);
    assert.deepEqual(new Blocks().push(all), READ);
    for (let first = 0; first <= all.length; first++) {
      // In three pieces, the one in the middle of up to 4 bytes: the longest character, or both ends of a line.
      for (const second of [first, first + 1, first + 3, first + 4]) {
        const blocks = new Blocks();
        const read = [all.subarray(0, first), all.subarray(first, second), all.subarray(second)].flatMap((part) => blocks.push(part));
        assert.deepEqual(read, READ, `cut at ${first} and ${second}`);
      }
    }
    const blocks = new Blocks();
    assert.deepEqual(Array.from(all, (_, at) => blocks.push(all.subarray(at, at + 1))).flat(), READ, "byte by byte");
  });
}

test("a block that does not end is an error, a long one is none", () => {
  const line = `data: ${"x".repeat(50)}\n`;
  assert.equal(new Blocks(100).push(bytes(`${line}\n`.repeat(9))).length, 9);
  assert.throws(() => new Blocks(100).push(bytes(line + line)), RangeError);
  assert.throws(() => new Blocks(100).push(bytes(`${line + line}\n`)), RangeError, "wherever it is cut");
  const cut = new Blocks(100);
  cut.push(bytes(line));
  assert.throws(() => cut.push(bytes("x".repeat(50))), RangeError);
  const comments = new Blocks(100);
  assert.deepEqual(comments.push(bytes(`:${line}`.repeat(9))), [], "what is not kept does not count");
  const big = "y".repeat(3 * 1024 * 1024);
  assert.equal(new Blocks().push(bytes(`data: ${big}\n\n`))[0]?.data, big);
});

test("lines come when they are complete", () => {
  const lines = new Lines();
  assert.deepEqual(lines.push(bytes(": 0")), []);
  assert.equal(lines.open, 3);
  assert.deepEqual(lines.push(bytes("\n\n: 300\r\n: 2")), [": 0", "", ": 300"]);
});
