// Bundles PyScript's core without the parts that the page does not use, and prints { text, sources } as JSON.
//
// PyScript's own bundle is 35 kB with Brotli, four times as much, and at each start MicroPython compiles its Python package.
// The page starts one script with a JSON config and uses `pyscript.ffi`. It has no PyScript workers, plugins, packages,
// events in attributes (an observer looks at each change of the document for them), hooks, or storage.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const PACKAGES = fileURLToPath(new URL("node_modules/", import.meta.url));
const CORE = "@pyscript/core/src/";
const LIBRARY = readFileSync(`${PACKAGES}${CORE}stdlib/pyscript.js`, "utf-8");
const files = JSON.parse(LIBRARY.slice(LIBRARY.indexOf("{"), LIBRARY.lastIndexOf("}") + 1)).pyscript;
const python = `import os
os.mkdir("pyscript")
with open("pyscript/ffi.py", "w") as file:
    file.write(${JSON.stringify(files["ffi.py"])})
`;
const STORAGE = "export default class { sync() {} close() {} clear() {} }";

// {source file: what the bundle has instead}
const INSTEAD = {
  [`${CORE}stdlib.js`]: `export const stdlib = ${JSON.stringify(python)}, optional = "";`,
  // With its own hooks, PyScript makes functions from strings, which the page's policy forbids.
  [`${CORE}hooks.js`]: `import { stdlib } from "./stdlib.js";
    export const main = () => [], worker = main, hooks = {}, createFunction = () => {}, inputFailure = "";
    export const codeFor = () => ({ codeBeforeRun: () => stdlib, codeBeforeRunAsync: () => stdlib });`,
  [`${CORE}plugins.js`]: "export default {};",
  [`${CORE}plugins/codemirror.js`]: "export default null;",
  [`${CORE}plugins/donkey.js`]: "export default null;",
  [`${CORE}fs.js`]: "export {};",
  [`${CORE}sync.js`]: "export default {};",
  "@webreflection/idb-map/index.js": STORAGE,
  "@webreflection/idb-map/sync.js": STORAGE,
  "reflected-ffi/src/direct/index.js": "export const decode = null, encode = null;",
  "polyscript/esm/index.js": `export { define, whenDefined } from "./custom.js";
    export { Hook, XWorker } from "./xworker.js";
    export * from "./errors.js";`,
  "polyscript/esm/listeners.js": "export const addAllListeners = () => {};",
  "polyscript/esm/3rd-party.js": "export const toml = null, zip = null;",
  "polyscript/esm/python/mip.js": 'export default "";',
  "polyscript/esm/interpreter/_nativefs.js": "export const initializeNativeFS = () => null;",
  "polyscript/esm/interpreter/_remote_package.js": "export default null;",
  "polyscript/esm/interpreter/pyodide_graph.js": "export default {};",
  "polyscript/esm/worker/class.js": "export default () => null;",
  "polyscript/esm/worker/hook.js": "export default class {};",
  "polyscript/esm/worker/url.js": "export default () => null;",
};

const unused = new Set(Object.keys(INSTEAD));
const replace = {
  name: "instead",
  setup(made) {
    made.onLoad({ filter: /node_modules/ }, ({ path }) => {
      const name = path.slice(PACKAGES.length).replaceAll("\\", "/");
      if (!Object.hasOwn(INSTEAD, name)) return null;
      unused.delete(name);
      return { contents: INSTEAD[name] };
    });
  },
};
const made = await build({
  entryPoints: [`${PACKAGES}${CORE}core.js`],
  absWorkingDir: PACKAGES,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "none",
  metafile: true,
  write: false,
  logLevel: "error",
  plugins: [replace],
});
if (unused.size) throw new Error(`PyScript has no such files any more: ${[...unused]}`);
const used = Object.entries(Object.values(made.metafile.outputs)[0].inputs).filter(([, { bytesInOutput }]) => bytesInOutput);
const sources = used.map(([name]) => name).filter((name) => !Object.hasOwn(INSTEAD, name));
console.log(JSON.stringify({ text: made.outputFiles[0].text, sources }));
