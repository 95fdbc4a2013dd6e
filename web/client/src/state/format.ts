// Puts the signs of a formatting button around a selection, or takes them away again; pure. Does not draw (see ui/talk/FormatBar.tsx).

export type Format = "bold" | "italic" | "strike" | "code" | "link";
const SIGN: Readonly<Record<Exclude<Format, "link">, string>> = { bold: "*", italic: "_", strike: "~", code: "`" };

/** Replaces `from` to `to` by `text`; then `select` is chosen. */
export interface Change { from: number; to: number; text: string; select: [number, number] }

const ADDRESS = /^(https?:\/\/|mailto:|xmpp:)\S+$/i;
const START = "https://";

function link(chosen: string, from: number, to: number): Change {
  if (ADDRESS.test(chosen)) return { from, to, text: `[](${chosen})`, select: [from + 1, from + 1] };
  const text = `[${chosen}](${START})`;
  // First what it says, then where it leads.
  const at = chosen === "" ? from + 1 : from + chosen.length + 3 + START.length;
  return { from, to, text, select: [at, at] };
}

export function format(text: string, start: number, end: number, how: Format): Change {
  let [from, to] = [start, end];
  // Signs stand at words, not at blanks.
  while (from < to && /\s/.test(text[from] ?? "")) from++;
  while (to > from && /\s/.test(text[to - 1] ?? "")) to--;
  const chosen = text.slice(from, to);
  if (how === "link") return link(chosen, from, to);
  if (how === "code" && chosen.includes("\n")) {
    const fenced = `\`\`\`\n${chosen}\n\`\`\``;
    return { from, to, text: fenced, select: [from + 4, from + 4 + chosen.length] };
  }
  const sign = SIGN[how];
  const outside = text[from - 1] === sign && text[to] === sign;
  if (outside) return { from: from - 1, to: to + 1, text: chosen, select: [from - 1, to - 1] };
  if (chosen.length > 2 && chosen.startsWith(sign) && chosen.endsWith(sign)) return { from, to, text: chosen.slice(1, -1), select: [from, to - 2] };
  // Each line by itself: a mark ends with its line.
  const lines = chosen.split("\n").map((line) => (line.trim() === "" && chosen !== "" ? line : sign + line + sign));
  const made = lines.join("\n");
  return { from, to, text: made, select: lines.length > 1 ? [from, from + made.length] : [from + 1, from + 1 + chosen.length] };
}
