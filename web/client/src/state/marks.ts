// Light marks in plain text, as XEP-0393 has them: *bold*, _italic_, ~struck~, `code`, blocks of code, quotes. Pure: signs stay in the text, and nothing is drawn.
import type { Span } from "../wire/types";

/** A piece of a text in one style. `sign`: it is a mark, and not what somebody says; around words, or of whole lines. */
export interface Piece extends Span { sign?: "words" | "lines" }

export type Block = { kind: "text" | "code"; pieces: Piece[] } | { kind: "quote"; blocks: Block[] };

/** Characters of the longest text that is read for marks; longer texts are shown as they are. */
const LONGEST = 20_000;
/** Spans of such a text at most. */
const MOST_SPANS = 300;
/** Signs of such a text at most, and lines that begin as a quote does. */
const MOST_SIGNS = 500;
/** Quotes within quotes beyond this are not looked into. */
const DEEPEST = 6;

type Style = "bold" | "italic" | "strike" | "code";
const STYLE: Readonly<Record<string, Style>> = { "*": "bold", "_": "italic", "~": "strike", "`": "code" };
const FENCE = "```";
/** The first line of a block of code, with the name of a language or none: it is not shown. Other words there are a part of the code. */
const OPENING = /^```[\w+#.-]{0,20}\s*$/;
/** A character before an opening sign: a blank, a bracket, a quotation mark, a dash or another sign, and none that a word or an address goes on with. */
const BEFORE = /[\s([{<"'“‘«„—–*_~`]/;
const WORD = /^[\p{L}\p{N}_]/u;
/** A quote. Faces such as >:( are none. */
const QUOTE = /^>(?=[\s>\p{L}\p{N}"“'(*`]|$)/u;

const textOf = (spans: readonly Span[]): string => spans.map((span) => span.text).join("");
/** Whether a span is taken whole: neither signs nor quotes are looked for in it. */
const isWhole = (span: Span): boolean => Boolean(span.link || span.image || span.code);

/** The spans line by line, each with the line feed at its end. */
function linesOf(spans: readonly Span[]): Piece[][] {
  const lines: Piece[][] = [];
  let line: Piece[] = [];
  for (const span of spans) {
    const parts = isWhole(span) ? [span.text] : (span.text.match(/[^\n]*\n|[^\n]+/g) ?? []);
    for (const text of parts) {
      line.push({ ...span, text });
      if (!text.endsWith("\n")) continue;
      lines.push(line);
      line = [];
    }
  }
  if (line.length > 0) lines.push(line);
  return lines;
}

/** The part from one place to another, in the style of each piece and this one. */
function cut(line: readonly Piece[], from: number, to: number, style: Partial<Piece>): Piece[] {
  const out: Piece[] = [];
  let at = 0;
  for (const piece of line) {
    const text = piece.text.slice(Math.max(0, from - at), Math.max(0, to - at));
    if (text !== "") out.push({ ...piece, text, ...style });
    at += piece.text.length;
    if (at >= to) break;
  }
  return out;
}

/** The pieces of one line. */
function inline(line: readonly Piece[]): Piece[] {
  const text = textOf(line);
  const whole = new Uint8Array(text.length);
  let begin = 0;
  for (const piece of line) {
    if (isWhole(piece)) whole.fill(1, begin, begin + piece.text.length);
    begin += piece.text.length;
  }
  const end = text.endsWith("\n") ? text.length - 1 : text.length;
  const out: Piece[] = [];
  const run = (from: number, to: number, style: Partial<Piece>) => {
    let rest = from;
    // Where no end was found for a sign, there is none further on either.
    const endless = new Set<string>();
    for (let at = from; at < to; at++) {
      const sign = text[at] ?? "";
      const name = STYLE[sign];
      if (!name || whole[at] || style[name] || (at > 0 && (!BEFORE.test(text[at - 1] ?? "") || text[at - 1] === sign))) continue;
      const mark = text[at + 1] === sign && (sign === "*" || sign === "~") ? sign + sign : sign;
      const first = text[at + mark.length];
      if (endless.has(mark) || first === undefined || first === sign || /\s/.test(first) || at + mark.length >= to) continue;
      const close = closing(text, whole, mark, at + mark.length, to);
      if (close < 0) {
        endless.add(mark);
        continue;
      }
      out.push(...cut(line, rest, at, style));
      const inner = { ...style, [name]: true };
      out.push(...cut(line, at, at + mark.length, { ...style, sign: "words" }));
      if (name === "code") out.push(...cut(line, at + 1, close, inner));
      else run(at + mark.length, close, inner);
      out.push(...cut(line, close, close + mark.length, { ...style, sign: "words" }));
      rest = close + mark.length;
      at = rest - 1;
    }
    out.push(...cut(line, rest, to, style));
  };
  run(0, end, {});
  out.push(...cut(line, end, text.length, {}));
  return out;
}

/** The place of the closing sign; -1: none before `to`. */
function closing(text: string, whole: Uint8Array, mark: string, from: number, to: number): number {
  const sign = mark[0] ?? "";
  for (let at = text.indexOf(mark, from + 1); at >= 0 && at + mark.length <= to; at = text.indexOf(mark, at + 1)) {
    const after = text.slice(at + mark.length, at + mark.length + 2);
    if (whole[at] || /\s/.test(text[at - 1] ?? "") || WORD.test(after) || after.startsWith(sign) || (mark.length === 1 && text[at - 1] === sign)) continue;
    return at;
  }
  return -1;
}

function blocksOf(lines: readonly Piece[][], depth: number): Block[] {
  const out: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? [];
    const text = textOf(line);
    const plain = line[0] !== undefined && !isWhole(line[0]);
    if (plain && text.startsWith(FENCE) && !text.trimEnd().slice(FENCE.length).includes("`")) {
      let end = at + 1;
      while (end < lines.length && textOf(lines[end] ?? []).trimEnd() !== FENCE) end++;
      const sign = OPENING.test(text) ? text.length : FENCE.length;
      const inside = lines.slice(at + 1, end).flat().map((piece): Piece => ({ ...piece, code: true }));
      const fence = (pieces: readonly Piece[] | undefined) => (pieces ?? []).map((piece): Piece => ({ ...piece, sign: "lines" }));
      const begun = cut(line, sign, text.length, { code: true });
      // A fence that nothing follows is only said.
      if (inside.length > 0 || (begun.length > 0 && end < lines.length)) {
        out.push({ kind: "code", pieces: [...cut(line, 0, sign, { sign: "lines" }), ...begun, ...inside, ...fence(lines[end])] });
        at = end;
        continue;
      }
    }
    if (plain && QUOTE.test(text) && depth < DEEPEST) {
      const quoted: Piece[][] = [];
      const signs: Piece[][] = [];
      for (; at < lines.length; at++) {
        const next = lines[at] ?? [];
        const words = textOf(next);
        if (!next[0] || isWhole(next[0]) || !QUOTE.test(words)) break;
        const from = words.startsWith("> ") ? 2 : 1;
        signs.push(cut(next, 0, from, { sign: "lines" }));
        quoted.push(cut(next, from, words.length, {}));
      }
      at--;
      out.push({ kind: "quote", blocks: signed(blocksOf(quoted, depth + 1), signs) });
      continue;
    }
    const last = out.at(-1);
    const pieces = inline(line);
    if (last?.kind === "text") last.pieces.push(...pieces);
    else out.push({ kind: "text", pieces });
  }
  return out;
}

/** Puts the signs of quoted lines back before each. */
function signed(blocks: Block[], signs: readonly Piece[][]): Block[] {
  let line = 0;
  let starts = true;
  const walk = (list: Block[]) => {
    if (list.length === 0) list.push({ kind: "text", pieces: [] });
    for (const block of list) {
      if (block.kind === "quote") {
        walk(block.blocks);
        continue;
      }
      const pieces: Piece[] = [];
      for (const piece of block.pieces) {
        if (starts) pieces.push(...(signs[line++] ?? []));
        pieces.push(piece);
        starts = piece.text.endsWith("\n");
      }
      block.pieces = pieces;
    }
  };
  walk(blocks);
  // Lines of which nothing is left but the sign.
  const last = blocks.at(-1);
  if (line < signs.length && last?.kind === "text") last.pieces.push(...signs.slice(line).flat());
  return blocks;
}

/** Whether a text would take long to read for marks: its writer chose how much there is in it. */
function isLarge(spans: readonly Span[]): boolean {
  if (spans.length > MOST_SPANS || spans.reduce((sum, span) => sum + span.text.length, 0) > LONGEST) return true;
  const text = textOf(spans);
  return (text.match(/[*_~`]/g)?.length ?? 0) > MOST_SIGNS || (text.match(/^>/gm)?.length ?? 0) > MOST_SIGNS;
}

/** A text by its marks. The pieces together are the text as it was. */
export function marked(spans: readonly Span[]): Block[] {
  return isLarge(spans) ? [{ kind: "text", pieces: [...spans] }] : blocksOf(linesOf(spans), 0);
}

/** Networks whose people read marks in plain text, as XEP-0393 tells them to: there the signs stay beside the formatting, since most of them see nothing else. */
const READERS: ReadonlySet<string> = new Set(["prpl-jabber"]);
export const readsMarks = (protocol: string): boolean => READERS.has(protocol);

const LINK = /\[([^\]\n]{1,300})\]\(((?:https?:\/\/|mailto:|xmpp:)[^\s()]+)\)/g;

/** The first thing said is a slash. */
const COMMAND = /^[^\p{L}\p{N}]*[/／]/u;

/** A typed text as spans, for a network that takes formatting; undefined where the text has none. `signs`: the marks stay in the text. */
export function formatted(text: string, signs: boolean): Span[] | undefined {
  // A command's words are its own.
  if (text.startsWith("/") || text.length > LONGEST) return undefined;
  const typed: Span[] = [];
  let rest = 0;
  for (const found of text.matchAll(LINK)) {
    if (found.index > rest) typed.push({ text: text.slice(rest, found.index) });
    typed.push({ text: found[1] ?? "", link: found[2] ?? "" });
    rest = found.index + found[0].length;
  }
  if (rest < text.length) typed.push({ text: text.slice(rest) });
  const out: Span[] = [];
  let any = typed.some((span) => span.link);
  const add = (block: Block, quoted: boolean) => {
    if (block.kind === "quote") {
      for (const inner of block.blocks) add(inner, true);
      return;
    }
    for (const { sign, ...span } of block.pieces) {
      const styled = span.bold || span.italic || span.strike || span.code;
      any ||= Boolean(styled);
      // The sign of a quote is read everywhere.
      if (sign && !signs && !(quoted && span.text.startsWith(">"))) continue;
      const last = out.at(-1);
      if (last && sameStyle(last, span)) last.text += span.text;
      else out.push({ ...span });
    }
  };
  for (const block of marked(typed)) add(block, false);
  // Words whose signs were taken away must not become a command.
  if (!any || COMMAND.test(textOf(out).replace(/\p{DI}+/gu, ""))) return undefined;
  return out.some((span) => span.text.trim() !== "") ? out : undefined;
}

const sameStyle = (a: Span, b: Span): boolean => a.bold === b.bold && a.italic === b.italic && a.strike === b.strike && a.code === b.code && a.link === b.link;
