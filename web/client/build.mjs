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
    if (before?.equals(bytes)) continue;
    // Anew: the old one may be a link that another checkout has, too.
    await rm(`dist/${name}`, { force: true });
    await writeFile(`dist/${name}`, bytes);
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
  const script = outputs.find(([, o]) => o.entryPoint === ENTRY);
  const looks = outputs.find(([, o]) => o.entryPoint === LATER);
  if (!script || !looks) throw new Error("no script or no style was built");
  const firstLoad = needed(result.metafile.outputs, script[0]);
  const files = new Map(result.outputFiles.map(({ path, contents }) => [basename(path), Buffer.from(contents)]));
  const logo = await readFile("public/logo.svg");
  const icon = hashed("logo.svg", logo);
  files.set(icon, logo);
  const html = (await readFile("src/index.html", "utf8"))
    .replaceAll("{{script}}", basename(script[0]))
    .replaceAll("{{preload}}", firstLoad.slice(1).map((path) => `<link rel="modulepreload" href="./${basename(path)}">`).join("\n"))
    .replaceAll("{{style}}", basename(script[1].cssBundle))
    .replaceAll("{{later}}", basename(looks[0], ".css"))
    .replaceAll("{{icon}}", icon);
  files.set("index.html", Buffer.from(html));
  await settle(files);
  /** What is needed until a face of the page shows. */
  const faceOf = (entry) => needed(result.metafile.outputs, outputs.find(([, o]) => o.entryPoint === entry)?.[0] ?? "", [...firstLoad]);
  const sizes = new Map();
  for (const [path] of outputs) {
    const size = gzipSync(files.get(basename(path)), { level: 9 }).length;
    sizes.set(path, size);
    console.log(`${path.padEnd(34)} ${(size / 1024).toFixed(1)} KB gzip`);
  }
  for (const entry of FACES) {
    const total = [...faceOf(entry), script[1].cssBundle].reduce((sum, path) => sum + sizes.get(path), 0);
    console.log(`${`first load of ${basename(entry)}`.padEnd(34)} ${(total / 1024).toFixed(1)} KB gzip of ${LIMIT / 1024}`);
    if (!watch && total > LIMIT) throw new Error("the page has outgrown its first-load limit");
  }
}

const ENTRY = "src/main.tsx";
/** One of these is needed at first. */
const FACES = ["src/ui/front/face.ts", "src/ui/Inside.tsx"];
/** The looks of what is fetched after the first load. */
const LATER = "src/style/later.css";
const options = {
  entryPoints: { app: ENTRY, later: LATER },
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
