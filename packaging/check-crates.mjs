// Fails when a locked crate that is built on Linux asks for a newer Rust than the workspace promises. It must not change the lock file.
import { execFileSync } from "node:child_process";

const output = execFileSync(
  "cargo",
  ["metadata", "--locked", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"],
  { encoding: "utf8", maxBuffer: 1 << 28 },
);
const metadata = JSON.parse(output);
const byId = new Map(metadata.packages.map((p) => [p.id, p]));
const ours = metadata.packages.filter((p) => metadata.workspace_members.includes(p.id));
const number = (version) => {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return (major * 1000 + minor) * 1000 + patch;
};

const promised = ours.find((p) => p.name === "bellflower").rust_version;
const broken = [];
for (const member of ours) {
  if (!member.rust_version || number(member.rust_version) !== number(promised)) {
    broken.push(`${member.name} says rust-version ${member.rust_version ?? "nothing"}, the workspace says ${promised}`);
  }
}
for (const node of metadata.resolve.nodes) {
  const crate = byId.get(node.id);
  if (crate.rust_version && number(crate.rust_version) > number(promised)) {
    broken.push(`${crate.name} ${crate.version} needs Rust ${crate.rust_version}`);
  }
}
if (broken.length > 0) {
  console.error(`Rust ${promised} is promised, but:\n  ${broken.join("\n  ")}`);
  process.exit(1);
}
console.log(`${metadata.resolve.nodes.length} crates build with Rust ${promised}`);
