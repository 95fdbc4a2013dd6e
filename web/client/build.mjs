// Builds the page into dist/: content-hashed files, index.html and a table of sizes; it must not reach the network.
import { build, context } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { basename } from "node:path";

const LIMIT = 90 * 1024;
const watch = process.argv.includes("--watch");

const hashed = (name, bytes) => {
  const dot = name.lastIndexOf(".");
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 10);
  return `${name.slice(0, dot)}-${hash}${name.slice(dot)}`;
};

/** Makes dist/ these files and no others; what is there already is not touched, so that nothing is built anew for it. */
async function settle(files) {
  await mkdir("dist", { recursive: true });
  for (const entry of await readdir("dist")) if (!files.has(entry)) await rm(`dist/${entry}`, { recursive: true });
  for (const [name, bytes] of files) {
    const before = await readFile(`dist/${name}`).catch(() => null);
    if (!before?.equals(bytes)) await writeFile(`dist/${name}`, bytes);
  }
}

/** A script and what it cannot start without. What it imports later is another matter. */
function needed(outputs, path, found = []) {
  if (found.includes(path)) return found;
  found.push(path);
  for (const one of outputs[path].imports) if (one.kind === "import-statement") needed(outputs, one.path, found);
  return found;
}

async function page(result) {
  const outputs = Object.entries(result.metafile.outputs).filter(([path]) => !path.endsWith(".map"));
  const script = outputs.find(([path, o]) => o.entryPoint && path.endsWith(".js"));
  if (!script) throw new Error("no script was built");
  const firstLoad = needed(result.metafile.outputs, script[0]);
  const files = new Map(result.outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]));
  const logo = await readFile("public/logo.svg");
  const icon = hashed("logo.svg", logo);
  files.set(icon, logo);
  const html = (await readFile("src/index.html", "utf8"))
    .replaceAll("{{script}}", basename(script[0]))
    .replaceAll("{{preload}}", firstLoad.slice(1).map((path) => `<link rel="modulepreload" href="./${basename(path)}">`).join("\n"))
    .replaceAll("{{style}}", basename(script[1].cssBundle))
    .replaceAll("{{icon}}", icon);
  files.set("index.html", Buffer.from(html));
  await settle(files);
  let total = 0;
  for (const [path] of outputs) {
    const size = gzipSync(files.get(basename(path)), { level: 9 }).length;
    const later = !firstLoad.includes(path) && path !== script[1].cssBundle;
    if (!later) total += size;
    console.log(`${path.padEnd(34)} ${(size / 1024).toFixed(1)} KB gzip${later ? ", later" : ""}`);
  }
  console.log(`${"first load".padEnd(34)} ${(total / 1024).toFixed(1)} KB gzip of ${LIMIT / 1024}`);
  if (!watch && total > LIMIT) throw new Error("the page has outgrown its first-load limit");
}

const options = {
  entryPoints: { app: "src/main.tsx" },
  outdir: "dist",
  write: false,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  chunkNames: "[name]-[hash]",
  format: "esm",
  target: ["chrome110", "firefox115", "safari16"],
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: !watch,
  charset: "utf8",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
  loader: { ".svg": "file" },
};

if (watch) {
  const plugin = { name: "page", setup: (b) => b.onEnd((r) => (r.metafile && r.errors.length === 0 ? page(r) : undefined)) };
  const ctx = await context({ ...options, plugins: [plugin] });
  await ctx.watch();
} else {
  await page(await build(options));
}
