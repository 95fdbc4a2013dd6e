// What has to hold of the locked crates, read off cargo's own metadata, so that it is checked wherever the code builds: Rust version, licences
// (those that deny.toml allows), sources, and no crate twice in the daemon. It reaches no network and must not change the lock file. cargo-deny, where
// it is installed, looks at licence texts and known holes besides.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const PLATFORM = "x86_64-unknown-linux-gnu";
const REGISTRY = "registry+https://github.com/rust-lang/crates.io-index";
/** Crates that the daemon has in two versions, since two of its dependencies do not agree: name -> why. */
const TWICE = {
  chacha20: "chacha20poly1305 0.10 asks for 0.9, hickory-resolver's rand for 0.10",
  cpufeatures: "sha1 0.10 (warp's headers) asks for 0.2, chacha20 (hickory-resolver's rand) for 0.3",
  getrandom: "ring 0.17 asks for 0.2, everything else for 0.4",
  hashbrown: "sqlx 0.8 (hashlink) asks for 0.15, indexmap for 0.17",
  rand: "sqlx 0.8 asks for 0.8, hickory-resolver for 0.10",
  rand_core: "sqlx's rand and the aead crates ask for 0.6, hickory-resolver's rand for 0.10",
};

const output = execFileSync("cargo", ["metadata", "--locked", "--all-features", "--format-version", "1", "--filter-platform", PLATFORM], {
  encoding: "utf8",
  maxBuffer: 1 << 28,
});
const metadata = JSON.parse(output);
const byId = new Map(metadata.packages.map((p) => [p.id, p]));
const nodes = new Map(metadata.resolve.nodes.map((n) => [n.id, n]));
const members = new Set(metadata.workspace_members);
const ours = metadata.packages.filter((p) => members.has(p.id));
const foreign = metadata.resolve.nodes.map((n) => byId.get(n.id)).filter((p) => !members.has(p.id));
const broken = [];

// Rust version.
const number = (version) => {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return (major * 1000 + minor) * 1000 + patch;
};
const daemon = ours.find((p) => p.name === "bellflower");
const promised = daemon.rust_version;
for (const member of ours) {
  if (!member.rust_version || number(member.rust_version) !== number(promised)) {
    broken.push(`${member.name} says rust-version ${member.rust_version ?? "nothing"}, the workspace says ${promised}`);
  }
}
for (const crate of foreign) {
  if (crate.rust_version && number(crate.rust_version) > number(promised)) {
    broken.push(`${crate.name} ${crate.version} needs Rust ${crate.rust_version}; ${promised} is promised`);
  }
}

// Licences. An expression is of names, OR, AND and parentheses; older crates write OR as a slash. `X WITH Y` is one name.
const list = /^allow = \[([^\]]*)\]/m.exec(readFileSync("deny.toml", "utf8"))?.[1] ?? "";
const allowed = new Set([...list.matchAll(/"([^"]+)"/g)].map((m) => m[1]));
if (allowed.size === 0) throw new Error("deny.toml has no list of allowed licences");
const satisfied = (expression) => {
  const tokens = expression.replaceAll("/", " OR ").match(/\(|\)|[^\s()]+(?:\s+WITH\s+[^\s()]+)?/g) ?? [];
  let at = 0;
  const one = () => {
    const token = tokens[at++];
    if (token !== "(") return allowed.has(token?.replace(/\s+/g, " "));
    const inner = any();
    if (tokens[at++] !== ")") throw new Error(`cannot read the licence "${expression}"`);
    return inner;
  };
  const all = () => {
    let holds = one();
    while (tokens[at] === "AND") {
      at++;
      // No short cut: the rest has to be read.
      const next = one();
      holds = holds && next;
    }
    return holds;
  };
  const any = () => {
    let holds = all();
    while (tokens[at] === "OR") {
      at++;
      const next = all();
      holds = holds || next;
    }
    return holds;
  };
  const holds = any();
  if (at !== tokens.length) throw new Error(`cannot read the licence "${expression}"`);
  return holds;
};
for (const member of ours) {
  if (member.license !== "GPL-3.0-or-later") broken.push(`${member.name} says licence ${member.license}, the project is GPL-3.0-or-later`);
  if (!Array.isArray(member.publish) || member.publish.length > 0) broken.push(`${member.name} does not say publish = false`);
}
for (const crate of foreign) {
  if (!crate.license || !satisfied(crate.license)) {
    broken.push(`${crate.name} ${crate.version}: licence ${crate.license ?? "unknown"} is not among those that deny.toml allows`);
  }
}

// Sources: the one registry, with a checksum each. The lock file names every crate, those of other platforms, too.
const locked = readFileSync("Cargo.lock", "utf8").split("[[package]]").slice(1);
for (const entry of locked) {
  const field = (name) => new RegExp(`^${name} = "([^"]*)"`, "m").exec(entry)?.[1];
  const source = field("source");
  if (source === undefined ? !ours.some((p) => p.name === field("name")) : source !== REGISTRY || !field("checksum")) {
    broken.push(`${field("name")} ${field("version")} comes from ${source ?? "a directory outside the workspace"}`);
  }
}

// Versions: each crate of the daemon once. What only builds or tests it may differ.
const reached = new Set();
const reach = (id) => {
  if (reached.has(id)) return;
  reached.add(id);
  for (const dep of nodes.get(id).deps) {
    const crate = byId.get(dep.pkg);
    const macro = crate.targets.some((t) => t.kind.includes("proc-macro"));
    if (!macro && dep.dep_kinds.some((k) => k.kind === null)) reach(dep.pkg);
  }
};
reach(daemon.id);
const versions = {};
for (const id of reached) (versions[byId.get(id).name] ??= []).push(byId.get(id).version);
const twice = Object.keys(versions).filter((name) => versions[name].length > 1);
for (const name of twice) {
  if (!(name in TWICE)) broken.push(`the daemon has ${name} in versions ${versions[name].join(" and ")}`);
}
for (const name of Object.keys(TWICE)) {
  if (!twice.includes(name)) broken.push(`${name} is in the daemon once by now: take it off the list in packaging/check-crates.mjs`);
}
for (const member of ours) {
  for (const dep of member.dependencies) {
    if (dep.req === "*" && !dep.path) broken.push(`${member.name} asks for any version of ${dep.name}`);
  }
}

if (broken.length > 0) {
  console.error(`The locked crates do not hold what is promised:\n  ${broken.join("\n  ")}`);
  process.exit(1);
}
console.log(`${foreign.length} crates: Rust ${promised}, licences and sources are fine; ${reached.size} in the daemon, each once but for ${twice.join(", ") || "none"}`);
