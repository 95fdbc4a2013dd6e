// Writes what a release consists of: a bill of materials in CycloneDX 1.5 and a list of licences, of the crates and npm packages that are in the daemon
// and its page, or that only build them. Reads the lock files and cargo's metadata; reaches no network. The same commit gives the same bytes.
//
// Usage: node packaging/sbom.mjs VERSION FOLDER
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [version, folder] = process.argv.slice(2);
if (!version || !folder) throw new Error("usage: node packaging/sbom.mjs VERSION FOLDER");
const PLATFORM = "x86_64-unknown-linux-gnu";

const run = (program, ...args) => execFileSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28 });
const metadata = JSON.parse(
  run("cargo", "metadata", "--locked", "--offline", "--all-features", "--format-version", "1", "--filter-platform", PLATFORM),
);
const byId = new Map(metadata.packages.map((p) => [p.id, p]));
const nodes = new Map(metadata.resolve.nodes.map((n) => [n.id, n]));
const daemon = metadata.packages.find((p) => p.name === "bellflower" && metadata.workspace_members.includes(p.id));
if (daemon.version !== version) throw new Error(`Cargo.toml says version ${daemon.version}, not ${version}`);

// What is in the daemon, and what is only there to build it.
const inside = new Set();
const around = new Set();
const reach = (id, build) => {
  const seen = build ? around : inside;
  if (seen.has(id)) return;
  seen.add(id);
  for (const dep of nodes.get(id).deps) {
    const macro = byId.get(dep.pkg).targets.some((t) => t.kind.includes("proc-macro"));
    if (dep.dep_kinds.some((k) => k.kind === null)) reach(dep.pkg, build || macro);
    if (dep.dep_kinds.some((k) => k.kind === "build")) reach(dep.pkg, true);
  }
};
reach(daemon.id, false);

const checksums = new Map();
for (const entry of readFileSync("Cargo.lock", "utf8").split("[[package]]").slice(1)) {
  const field = (name) => new RegExp(`^${name} = "([^"]*)"`, "m").exec(entry)?.[1];
  checksums.set(`${field("name")} ${field("version")}`, field("checksum"));
}
const spdx = (text) => (text ?? "NOASSERTION").replace(/\s*\/\s*/g, " OR ");
const crate = (id, scope) => {
  const p = byId.get(id);
  const checksum = checksums.get(`${p.name} ${p.version}`);
  return {
    type: "library",
    "bom-ref": `pkg:cargo/${p.name}@${p.version}`,
    name: p.name,
    version: p.version,
    scope,
    ...(checksum ? { hashes: [{ alg: "SHA-256", content: checksum }] } : {}),
    licenses: [{ expression: spdx(p.license) }],
    purl: `pkg:cargo/${p.name}@${p.version}`,
  };
};
const lock = JSON.parse(readFileSync("web/client/package-lock.json", "utf8"));
const page = Object.entries(lock.packages)
  .filter(([path]) => path !== "")
  .map(([path, p]) => {
    const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
    const purl = `pkg:npm/${name.replace("@", "%40")}@${p.version}`;
    const content = p.integrity?.startsWith("sha512-") ? Buffer.from(p.integrity.slice(7), "base64").toString("hex") : undefined;
    return {
      type: "library",
      "bom-ref": purl,
      name,
      version: p.version,
      scope: p.dev || p.optional ? "excluded" : "required",
      ...(content ? { hashes: [{ alg: "SHA-512", content }] } : {}),
      licenses: [{ expression: spdx(p.license) }],
      purl,
    };
  });
const components = [
  ...[...inside].filter((id) => id !== daemon.id).map((id) => crate(id, "required")),
  ...[...around].filter((id) => !inside.has(id)).map((id) => crate(id, "excluded")),
  ...page,
];
// A package may be there several times, as npm nests them.
const unique = [...new Map(components.map((c) => [c["bom-ref"] + c.scope, c])).values()];
unique.sort((a, b) => (a["bom-ref"] + a.scope < b["bom-ref"] + b.scope ? -1 : 1));
const refs = new Map();
for (const c of unique) {
  const times = refs.get(c["bom-ref"]) ?? 0;
  refs.set(c["bom-ref"], times + 1);
  if (times > 0) c["bom-ref"] += `#${times}`;
}

const bom = {
  bomFormat: "CycloneDX",
  specVersion: "1.5",
  version: 1,
  metadata: {
    timestamp: new Date(Number(run("git", "log", "-1", "--format=%ct")) * 1000).toISOString(),
    component: {
      type: "application",
      "bom-ref": `pkg:generic/bellflower@${version}`,
      name: "bellflower",
      version,
      licenses: [{ license: { id: "GPL-3.0-or-later" } }],
    },
  },
  components: unique,
};
// A name for the document that follows from what is in it (RFC 9562, version 8).
const hex = createHash("sha256").update(JSON.stringify(bom)).digest("hex");
const uuid = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
writeFileSync(join(folder, `bellflower-${version}.cdx.json`), `${JSON.stringify({ ...bom, serialNumber: `urn:uuid:${uuid}` }, null, 1)}\n`);

const line = (c) => `${c.licenses[0].expression}: ${c.name} ${c.version}`;
const list = (scope) => unique.filter((c) => c.scope === scope).map(line).sort().join("\n");
const text = `Bellflower ${version} is licensed under GPL-3.0-or-later. It is linked to libpurple (GPL-2.0-or-later) and GLib (LGPL-2.1-or-later).

In the daemon and its page:

${list("required")}

Only to build them:

${list("excluded")}
`;
writeFileSync(join(folder, `bellflower-${version}-licences.txt`), text);
console.log(`sbom: ${unique.filter((c) => c.scope === "required").length} packages inside, ${unique.filter((c) => c.scope === "excluded").length} to build`);
