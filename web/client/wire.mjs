// Makes src/wire/types.ts from the daemon's published schema, kept beside it as schema.json; it must not add a shape of its own.
//
//   npm run wire             asks the daemon for its schema (cargo, or the program that BELLFLOWER names), then writes both files
//   node wire.mjs --check    fails when types.ts is not what schema.json says
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";

const SCHEMA = new URL("src/wire/schema.json", import.meta.url);
const TYPES = new URL("src/wire/types.ts", import.meta.url);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const published = () => {
  const [program, ...before] = process.env.BELLFLOWER ? [process.env.BELLFLOWER] : ["cargo", "run", "--quiet", "--package", "bellflower", "--"];
  const text = execFileSync(program, [...before, "schema"], { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 24 });
  return `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
};

// A reference beside keywords that only describe is the reference; beside others it is both. The compiler takes neither as JSON Schema 2020-12 means it.
const DESCRIBING = new Set(["description", "title", "default", "deprecated", "examples"]);
const plain = (schema) => {
  if (Array.isArray(schema)) return schema.map(plain);
  if (typeof schema !== "object" || schema === null) return schema;
  const { $ref, ...beside } = Object.fromEntries(Object.entries(schema).map(([key, inner]) => [key, plain(inner)]));
  if (typeof $ref !== "string") return $ref === undefined ? beside : { $ref, ...beside };
  const rest = Object.keys(beside).filter((key) => !DESCRIBING.has(key));
  return rest.length === 0 ? { $ref } : { allOf: [{ $ref }, beside] };
};

// What the page calls some of them: the schema's own names would hide the browser's, or say too little outside it. Events and commands are
// read field by field, so that a daemon that is newer than the page cannot break it.
const NAMES = `
export type WireEvent = Pick<Event, "seq" | "time" | "origin"> & { type: Event["type"]; [field: string]: unknown };
export type WireError = ErrorBody;
export type CommandBody = { id: string; type: Command["type"]; [field: string]: unknown };
export type CommandsAnswer = Commanded;
export type HistoryAnswer = History;
export type OwnStatus = Status;
export type RequestField = Field;
export type Settings = Snapshot["settings"];
`;

const types = async (schema) =>
  (await compile(plain(JSON.parse(schema)), "Wire", {
    additionalProperties: false,
    unreachableDefinitions: true,
    bannerComment: "// The shapes that travel between page and daemon, made by `npm run wire` from the daemon's schema; change the Rust types instead.",
    style: { printWidth: 140, tabWidth: 2 },
  })).replaceAll(/ \*\n \* This interface was referenced by `Wire`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g, "") + NAMES;

if (process.argv.includes("--check")) {
  if ((await types(await readFile(SCHEMA, "utf8"))) !== (await readFile(TYPES, "utf8"))) {
    console.error("src/wire/types.ts is not what src/wire/schema.json says: run `npm run wire`");
    process.exit(1);
  }
} else {
  const schema = published();
  await writeFile(SCHEMA, schema);
  await writeFile(TYPES, await types(schema));
}
