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

/** The script that the page begins with, and what it imports before it runs; what is imported later is no part of the first load. */
function begins(outputs, entry) {
  const found = new Set([entry]);
  for (const path of found) for (const one of outputs[path].imports) if (one.kind === "import-statement") found.add(one.path);
  return [...found];
}

async function page(result) {
  const outputs = Object.entries(result.metafile.outputs).filter(([path]) => !path.endsWith(".map"));
  const script = outputs.find(([, o]) => o.entryPoint === ENTRY);
  const later = outputs.find(([, o]) => o.entryPoint === LATER);
  if (!script || !later) throw new Error("no script or no style was built");
  const first = begins(result.metafile.outputs, script[0]);
  const files = new Map(result.outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]));
  const logo = await readFile("public/logo.svg");
  const icon = hashed("logo.svg", logo);
  files.set(icon, logo);
  // Fetched beside the script that imports them, and not after it.
  const beside = first.slice(1).map((path) => `<link rel="modulepreload" href="./${basename(path)}">`).join("\n");
  const html = (await readFile("src/index.html", "utf8"))
    .replaceAll("{{beside}}", beside)
    .replaceAll("{{later}}", basename(later[0], ".css"))
    .replaceAll("{{script}}", basename(script[0]))
    .replaceAll("{{style}}", basename(script[1].cssBundle))
    .replaceAll("{{icon}}", icon);
  files.set("index.html", Buffer.from(html));
  await settle(files);
  let total = 0;
  for (const [path] of outputs) {
    const size = gzipSync(files.get(basename(path)), { level: 9 }).length;
    const early = first.includes(path) || path === script[1].cssBundle;
    if (early) total += size;
    console.log(`${path.padEnd(34)} ${(size / 1024).toFixed(1)} KB gzip${early ? "" : ", later"}`);
  }
  console.log(`${"first load".padEnd(34)} ${(total / 1024).toFixed(1)} KB gzip of ${LIMIT / 1024}`);
  if (!watch && total > LIMIT) throw new Error("the page has outgrown its first-load limit");
}

const ENTRY = "src/main.tsx";
/** The looks of what is loaded when it is wanted. */
const LATER = "src/style/later.css";
const options = {
  entryPoints: { app: ENTRY, later: LATER },
  splitting: true,
  outdir: "dist",
  write: false,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
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
