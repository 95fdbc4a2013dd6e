// Texts of many lines, pasted or about to be sent: when they ask first, and as what they go; pure.

/** From so many lines on one is asked, where each is a message of its own. */
const MANY_MESSAGES = 4;
/** From so many on elsewhere. */
const MANY_LINES = 10;

/** Lines with something in them: others are not sent where each is a message. */
export const linesIn = (text: string): string[] => text.replaceAll("\r\n", "\n").split("\n").filter((line) => line.trim() !== "");

/** `single`: the network sends each line as a message. */
export const isMany = (text: string, single: boolean): boolean => (single ? linesIn(text).length >= MANY_MESSAGES : text.replace(/\n+$/, "").split("\n").length >= MANY_LINES);

export const asOneLine = (text: string): string => linesIn(text).map((line) => line.trim()).join(" ");

/** Between fences, on lines of its own. `before`: what stands in front of it. */
export function asBlock(text: string, before = ""): string {
  const start = before === "" || before.endsWith("\n") ? "" : "\n";
  return `${start}\`\`\`\n${text.replaceAll("\r\n", "\n").replace(/\n+$/, "")}\n\`\`\`\n`;
}
