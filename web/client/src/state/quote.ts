// A message as a quote in front of what is being written; pure.

/** Lines of a quote; more is left out, with a mark. */
const MOST_LINES = 6;
/** Characters of a quote where each line is a message of its own. */
const ONE_LINE = 120;

const cutAt = (text: string, most: number): string => {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most).join("").trimEnd()}…` : text;
};

/** Lines of a text that were not themselves quoted, unless it is all quotes. */
function own(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trimEnd());
  const said = lines.filter((line) => !line.startsWith("> ") && line !== ">");
  while (said[0] === "") said.shift();
  while (said.at(-1) === "") said.pop();
  return said.length > 0 ? said : lines;
}

/** Puts a quote with its writer's name before the draft. `single`: the network sends each line as a message, so it is one line. */
export function quoted(text: string, name: string, draft: string, single: boolean): string {
  const body = text.startsWith("/me ") ? `* ${name} ${text.slice(4)}` : `${name}: ${text}`;
  const lines = own(body);
  const shown = single ? [cutAt(lines.filter((line) => line !== "").join(" "), ONE_LINE)] : lines.slice(0, MOST_LINES);
  if (!single && lines.length > MOST_LINES) shown.push("…");
  return `${shown.map((line) => `> ${line}`.trimEnd()).join("\n")}\n${draft}`;
}
