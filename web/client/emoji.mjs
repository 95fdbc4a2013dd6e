// Makes the table of emoji that the page fetches when it is first wanted, from npm packages: Unicode's names and groups, and words to find them by. Does
// not reach the network.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

/** The newest emoji version in the table; newer emoji show as empty boxes on most systems. */
const NEWEST = 15.1;
/** Characters of an emoji's search words, beyond its name. */
const MOST_WORDS = 60;

const { resolve } = createRequire(import.meta.url);
const read = async (path) => JSON.parse(await readFile(resolve(path), "utf8"));

/** A line each: character, name, words, and "t" where it has skin tones. Before each group its name, after a tab. */
async function table() {
  const groups = await read("unicode-emoji-json/data-by-group.json");
  const words = await read("emojilib/dist/emoji-en-US.json");
  const lines = [];
  for (const group of groups) {
    lines.push(`\t${group.name}`);
    for (const one of group.emojis) {
      if (Number(one.emoji_version) > NEWEST) continue;
      const own = new Set(one.name.toLowerCase().split(/[^\p{L}\p{N}+]+/u));
      let more = "";
      for (const word of new Set((words[one.emoji] ?? []).map((word) => word.toLowerCase().replaceAll(" ", "_")))) {
        const known = word.split("_").every((part) => own.has(part));
        if (!known && !/[\t\n]/.test(word) && more.length + word.length < MOST_WORDS) more += (more && " ") + word;
      }
      lines.push([one.emoji, one.name, more, ...(one.skin_tone_support ? ["t"] : [])].join("\t"));
    }
  }
  return lines.join("\n");
}

/** For esbuild: `import text from "emoji-table"`. */
export const emojiTable = {
  name: "emoji-table",
  setup(build) {
    build.onResolve({ filter: /^emoji-table$/ }, () => ({ path: "emoji-table", namespace: "emoji-table" }));
    build.onLoad({ filter: /.*/, namespace: "emoji-table" }, async () => ({ contents: await table(), loader: "text" }));
  },
};
