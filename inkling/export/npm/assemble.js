// Assemble the page without a server from the main page's files, by Node.js:
// node assemble.js page FOLDER PACKAGES     scripts, styles, compiled templates, runtime; PACKAGES is node_modules
// node assemble.js version FOLDER           then the version, and the list of files to store offline
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

const INKLING = join(import.meta.dirname, "..", "..");
const UI = join(INKLING, "ui", "static");
const STYLESHEETS = ["tokens", "evidence", "style", "network", "lab"].map((name) => join(UI, `${name}.css`)); // as `views.STYLESHEETS`
const NOT_STORED = ["LICENSE", "README.md", ".gitattributes", "index.html", "offline.js"]; // for offline use
const VERSION_MARK = "VERSION_OF_FILES"; // in index.html and offline.js
const MEMBERS = { module: "ort.wasm.bundle.min.mjs", wasm: "ort-wasm-simd-threaded.wasm" };
const [command, folder, packages] = process.argv.slice(2);
const read = (...path) => readFileSync(join(...path), "utf8");
const write = (name, content) => writeFileSync(join(folder, name), content);

function assemble() {
  cpSync(join(INKLING, "export", "static"), folder, { recursive: true, filter: (path) => !path.endsWith("index.html") });
  copyFileSync(join(INKLING, "..", "LICENSE"), join(folder, "LICENSE"));
  const kinds = ["gz", "jpg", "png"]; // if pushed by git, a Space accepts binary files only in large-file storage
  write(".gitattributes", kinds.map((kind) => `*.${kind} filter=lfs diff=lfs merge=lfs -text\n`).join(""));
  write("components.js", joinScripts());
  const pad = `#pad {\n${read(UI, "sketchpad.css")}}`; // Gradio nests it in the component's element
  const styles = [...STYLESHEETS, join(INKLING, "evaluation", "templates", "plot.css")].map((path) => read(path));
  write("style.css", [...styles, pad, read(folder, "style.css")].join("\n"));
  const renderer = read(packages, "nunjucks", "browser", "nunjucks-slim.min.js");
  write("templates.js", `${renderer.replace(/\/\/# source.*$/, "")}\n${compileTemplates()}`);
  const runtime = join(packages, "onnxruntime-web", "dist");
  // not .mjs: some servers send it as application/octet-stream, which browsers do not run
  copyFileSync(join(runtime, MEMBERS.module), join(folder, MEMBERS.module.replace(".mjs", ".js")));
  write(`${MEMBERS.wasm}.gz`, gzipSync(readFileSync(join(runtime, MEMBERS.wasm)), { level: 9 }));
}

// Return the main page's scripts as functions that take what Gradio gives to them.
function joinScripts() {
  const names = readdirSync(UI).filter((file) => file.endsWith(".js") && file !== "shared.js").map((file) => file.slice(0, -3));
  const shared = (name) => (["sketchpad", "pad_requests"].includes(name) ? "" : read(UI, "shared.js"));
  const wrap = (name) => `${name}(element, props, trigger, watch, server, upload) {\n${shared(name)}${read(UI, `${name}.js`)}}`;
  return `export default {\n${names.map((name) => (name === "copy" ? `${name}:\n${read(UI, "copy.js")}` : wrap(name))).join(",\n")}\n};\n`;
}

// Compile the main page's templates that the page's script renders.
function compileTemplates() {
  const nunjucks = createRequire(import.meta.url)(join(packages, "nunjucks"));
  nunjucks.installJinjaCompat();
  const env = new nunjucks.Environment(null, { autoescape: true, trimBlocks: true, lstripBlocks: true });
  const names = new Set([...read(folder, "views.js").matchAll(/render\("(.+?)"/g)].map(([, name]) => name));
  return [...names].map((name) => nunjucks.precompileString(read(INKLING, "ui", "templates", name), { name, env })).join("\n");
}

function writeVersion() {
  const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  const files = entries.map(({ name }) => name).filter((name) => !NOT_STORED.includes(name)).sort();
  const digests = Object.fromEntries(files.map((name) => [name, computeIntegrity(readFileSync(join(folder, name)))]));
  const listed = JSON.stringify({ "./": "", ...digests }, null, 2);
  const version = createHash("sha256").update(listed).update(read(folder, "index.html")).digest("hex").slice(0, 12);
  for (const name of ["offline.js", "index.html"])
    write(name, read(folder, name).replaceAll(VERSION_MARK, version).replace("{/* files */}", () => listed));
}
// Return the SHA-256 of a file, and of what it unpacks to: browsers may get either.
function computeIntegrity(content) {
  const forms = content[0] === 0x1f && content[1] === 0x8b ? [content, gunzipSync(content)] : [content];
  return forms.map((form) => `sha256-${createHash("sha256").update(form).digest("base64")}`).join(" ");
}

({ page: assemble, version: writeVersion })[command]();
