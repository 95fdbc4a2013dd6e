// Hits of a search, as they are shown: the part of a text around its hits, and the query as the daemon takes it; pure.

/** A part of a text; `hit`: it is what was looked for. */
export interface Piece { text: string; hit: boolean }

/** Characters of a snippet, and of them before the first hit. */
const LONG = 220;
const LEAD = 60;

type Ranges = readonly (readonly [number, number])[];

/** The beginning of a word at or after `at`, not further than `end`. */
function wordFrom(text: string, at: number, end: number): number {
  if (at <= 0) return 0;
  const space = text.slice(at, end).search(/\s\S/u);
  return space < 0 ? at : at + space + 1;
}

/** The text around its first hit as pieces; `ranges` in UTF-16 code units, in order. An ellipsis stands for text that is left out. */
export function snippet(text: string, ranges: Ranges): Piece[] {
  const flat = text.replace(/\s/gu, " ");
  const first = ranges[0]?.[0] ?? 0;
  const from = flat.length <= LONG || first <= LEAD ? 0 : wordFrom(flat, first - LEAD, first);
  const to = Math.min(flat.length, from + LONG);
  const pieces: Piece[] = from > 0 ? [{ text: "…", hit: false }] : [];
  let at = from;
  for (const [start, end] of ranges) {
    if (end <= at || start >= to) continue;
    const begin = Math.max(at, start);
    if (begin > at) pieces.push({ text: flat.slice(at, begin), hit: false });
    at = Math.min(end, to);
    pieces.push({ text: flat.slice(begin, at), hit: true });
  }
  if (at < to) pieces.push({ text: flat.slice(at, to), hit: false });
  if (to < flat.length) pieces.push({ text: "…", hit: false });
  return pieces;
}

/** A query as it is typed and chosen; days are local dates ("2026-12-01"). */
export interface Asked {
  q: string;
  account?: string | null;
  conversation?: string | null;
  from?: string | null;
  since?: string | null;
  until?: string | null;
}

const midnight = (day: string, after = 0): string | undefined => {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return undefined;
  return new Date(year, month - 1, date + after).toISOString();
};

/** The query of a search: days become moments of this browser's zone, the last one included; moments stay; what is empty is left out. */
export function queryOf({ q, account, conversation, from, since, until }: Asked): Record<string, string> {
  const moment = (text: string | null | undefined, after: number) => (text?.includes("T") ? text : text && midnight(text, after));
  const all = { q: q.trim(), account, conversation, from: from?.trim(), since: moment(since, 0), until: moment(until, 1) };
  return Object.fromEntries(Object.entries(all).filter((one): one is [string, string] => !!one[1]));
}

/** Whether two ask the same. */
export const sameAsked = (a: Asked, b: Asked): boolean => JSON.stringify(Object.entries(queryOf(a)).sort()) === JSON.stringify(Object.entries(queryOf(b)).sort());
