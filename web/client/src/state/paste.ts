// Decides when a text of many lines asks first, and makes it one line or a block of code; pure. Does not ask (see ui/dialogs/Paste.tsx).

/** Lines from which on a text asks first, where each line is a message of its own. */
const MANY_MESSAGES = 4;
/** Lines from which on a pasted text asks first elsewhere. */
const MANY_LINES = 10;

/** Lines with something in them: others are not sent where each is a message. */
export const linesIn = (text: string): string[] => text.replaceAll("\r\n", "\n").split("\n").filter((line) => line.trim() !== "");

/** `single`: the network sends each line as a message. */
export const isMany = (text: string, single: boolean): boolean => (single ? linesIn(text).length >= MANY_MESSAGES : text.replace(/\n+$/, "").split("\n").length >= MANY_LINES);

export const asOneLine = (text: string): string => linesIn(text).map((line) => line.trim()).join(" ");

/** The text between fences, on lines of its own. `before`: the text in front of it. */
export function asBlock(text: string, before = ""): string {
  const start = before === "" || before.endsWith("\n") ? "" : "\n";
  return `${start}\`\`\`\n${text.replaceAll("\r\n", "\n").replace(/\n+$/, "")}\n\`\`\`\n`;
}
