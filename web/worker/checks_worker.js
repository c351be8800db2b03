// The checks worker: runs Python over files in Pyodide. A module worker with a policy of its own, which allows WASM and
// connections to our server only (`server/ossferry/http/security_headers.py`); checks.js starts it.
//
// It loads everything first. Then it removes the functions that reach the network or the browser's storage, and only
// then runs Python that is not ours: the session cookie of the person would go along with each request.

const PROGRESS_MS = 100;
const READ_ONLY = 0o444;
const READ_ONLY_FOLDER = 0o555;
const OUTPUT_FOLDER = "ossferry-files"; // as in outputs.js
const MAX_MEMORY_OUTPUT = 64 << 20; // bytes
const MAX_COPY = 32 << 20; // bytes; of a larger file, each read of Python reads from the disk
// What Python keeps: JavaScript itself, files, images, text and timers. All else is removed, so that a function
// which a browser adds later is removed too.
const KEPT = new Set(
  [
    "globalThis Infinity NaN undefined eval isFinite isNaN parseFloat parseInt decodeURI decodeURIComponent encodeURI",
    "encodeURIComponent escape unescape Object Function Boolean Symbol Error AggregateError EvalError RangeError ReferenceError",
    "SyntaxError TypeError URIError SuppressedError Number BigInt Math Date String RegExp Array Int8Array Uint8Array",
    "Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array BigInt64Array BigUint64Array Float16Array Float32Array",
    "Float64Array Map Set WeakMap WeakSet WeakRef FinalizationRegistry ArrayBuffer SharedArrayBuffer DataView Atomics JSON",
    "Promise Reflect Proxy Iterator Intl WebAssembly Temporal DisposableStack AsyncDisposableStack",
    "self console performance crypto Crypto CryptoKey SubtleCrypto navigator WorkerNavigator location WorkerLocation name origin",
    "isSecureContext crossOriginIsolated WorkerGlobalScope DedicatedWorkerGlobalScope EventTarget Event ErrorEvent MessageEvent",
    "PromiseRejectionEvent ProgressEvent CustomEvent addEventListener removeEventListener dispatchEvent onmessage onmessageerror",
    "onerror onunhandledrejection onrejectionhandled close structuredClone reportError queueMicrotask setTimeout",
    "clearTimeout setInterval clearInterval atob btoa DOMException AbortController AbortSignal MessageChannel MessagePort",
    "TextDecoder TextEncoder Blob File FileList FileReader FileReaderSync URL URLSearchParams Headers Response ReadableStream",
    "ReadableStreamDefaultReader ReadableStreamBYOBReader ReadableStreamDefaultController ReadableByteStreamController",
    "WritableStream TransformStream CompressionStream DecompressionStream createImageBitmap ImageBitmap ImageData",
    "OffscreenCanvas OffscreenCanvasRenderingContext2D Path2D DOMMatrix DOMRect",
    "ossferryChecks constructor",
  ]
    .join(" ")
    .split(" "),
);
const KEPT_OF_NAVIGATOR = new Set(["constructor", "userAgent", "platform", "language", "languages", "onLine", "hardwareConcurrency", "deviceMemory"]);

const plainFetch = self.fetch;
const post = self.postMessage.bind(self); // Python must not answer the page in our place
const verified = new Map(); // {absolute address: hash}

// The browser refuses a file that has another hash.
const verifiedFetch = (what, options) => {
  const address = new URL(what.url ?? what, location.href).href;
  const integrity = verified.get(address);
  const answer = integrity ? plainFetch(address, { ...options, integrity }) : Promise.reject(new TypeError(`Refused ${address}`));
  answer.catch(fail); // after a failed download, `loadPyodide` may never end
  return answer;
};
self.fetch = verifiedFetch;

const text = async (address) => (await verifiedFetch(address)).text();
const bytes = async (address) => (await verifiedFetch(address)).arrayBuffer();

// `import` does not check hashes: fetched first, so that the import takes the checked file from the cache.
async function load(address) {
  await bytes(address);
  return import(address);
}

// The loader runs after Python has started, which can replace `URL`, `Map` and the properties that all objects have. So it
// uses none of them.
function heicLoader(address, integrity) {
  const options = Object.freeze({ __proto__: null, integrity });
  let loading = null;
  const load = async () => {
    try {
      await (await plainFetch(address, options)).arrayBuffer();
      return await import(address);
    } catch (error) {
      loading = null;
      throw error;
    }
  };
  return () => (address ? (loading ??= load()) : Promise.reject(new Error("HEIC is not switched on.")));
}

// Emscripten turns the error into a failed allocation, and Python that into a MemoryError.
function limitMemory(most) {
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function (pages) {
    if (this.buffer.byteLength + pages * 65536 > most) throw new RangeError("The memory limit is reached.");
    return grow.call(this, pages);
  };
}

// Without the rest, Python cannot use the session of the person. Names can be on a prototype too.
function removeAllBut(kept, object) {
  for (let holder = object; holder && holder !== Object.prototype; holder = Object.getPrototypeOf(holder))
    for (const name of Object.getOwnPropertyNames(holder))
      if (!kept.has(name)) Reflect.defineProperty(holder, name, { value: undefined, writable: false, configurable: false });
}

// Python gets an OSError if the browser cannot read a file any more. Another error would end Pyodide.
function reportReadErrors({ FS, ERRNO_CODES }) {
  const operations = FS.filesystems.WORKERFS.stream_ops;
  const { read } = operations;
  operations.read = (...given) => {
    try {
      return read(...given);
    } catch {
      throw new FS.ErrnoError(ERRNO_CODES.EIO);
    }
  };
}

// New files are in the memory of the page, outside the WASM memory. Python gets an OSError if there is no room for more.
let room = Infinity; // bytes that files may grow by
function limitNewFiles({ FS, ERRNO_CODES }) {
  const { node: operations, stream } = FS.filesystems.MEMFS.ops_table.file;
  const { setattr } = operations;
  const { write } = stream;
  const grow = (file, size) => {
    const more = Math.max(0, size - file.usedBytes);
    if (more > room) throw new FS.ErrnoError(ERRNO_CODES.EFBIG);
    room -= more;
  };
  operations.setattr = (file, changes) => {
    if (changes.size) grow(file, changes.size);
    setattr(file, changes);
  };
  stream.write = (opened, bytes, offset, length, position, ...more) => {
    grow(opened.node, position + length);
    return write(opened, bytes, offset, length, position, ...more);
  };
}

// Drops what checks print. Otherwise Pyodide keeps a line until it ends, and fails if it is too long.
const print = { write: (bytes) => bytes.length };

// Where a repaired table is written: a file of the origin private file system, or memory. Python gets only `write`, and
// none of the objects of the file system; their methods are bound before Python starts.
async function makeOutput(name) {
  if (!name) return memoryOutput();
  const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(OUTPUT_FOLDER);
  const handle = await (await folder.getFileHandle(name)).createSyncAccessHandle();
  const [truncate, write, flush] = ["truncate", "write", "flush"].map((method) => handle[method].bind(handle));
  let at = 0;
  return {
    limit: 0,
    begin: () => truncate((at = 0)),
    write: (bytes) => {
      const size = write(bytes, { __proto__: null, at });
      if (size !== bytes.byteLength) throw new RangeError("the storage of the browser is full"); // Chromium may only return less
      at += size;
    },
    end: () => flush(), // the page opens the file; it stays open here, because the person may write it again
  };
}

function memoryOutput() {
  let blob = new Blob([]);
  return {
    limit: MAX_MEMORY_OUTPUT,
    begin: () => (blob = new Blob([])),
    write: (bytes) => {
      if (blob.size + bytes.byteLength > MAX_MEMORY_OUTPUT) throw new RangeError(`more than ${MAX_MEMORY_OUTPUT} bytes`);
      blob = new Blob([blob, bytes]);
    },
    end: () => blob,
  };
}

let pyodide = null;
let checker = null;
let limits = null; // in bytes
let output = null; // of a worker that repairs a table
let makeRepair = null;
let repair = null;

async function start({ config, base, repairs, outputName }) {
  const { files, module, packages } = config;
  limits = config.limits;
  const { library, heic: decoder } = files;
  const at = (address) => new URL(address, base).href;
  for (const file of [library, decoder, module, ...packages].filter(Boolean)) verified.set(at(file.url), file.integrity);
  for (const [name, hash] of Object.entries(files.integrity)) verified.set(at(files.pyodide + name), hash);

  const indexURL = at(files.pyodide);
  await bytes(`${indexURL}pyodide.asm.mjs`); // which pyodide.mjs imports
  limitMemory(limits.memory);
  // Pyodide frees Python objects when JavaScript has dropped them. WebKit runs this also while it reads a piece of a file,
  // and Pyodide then ends with "GIL not held". So the few objects of each file stay until the worker ends.
  self.FinalizationRegistry = class { register() {} unregister() {} };
  const { loadPyodide } = await load(`${indexURL}pyodide.mjs`);
  const loaded = Promise.all([library, ...packages].map(async ({ url, format }) => [await bytes(at(url)), format ?? "zip"]));
  const source = module ? text(at(module.url)) : null;
  for (const promise of [loaded, source]) promise?.catch(() => {}); // awaited below; Firefox reports it before
  pyodide = await loadPyodide({ indexURL });
  pyodide.setStdout(print);
  pyodide.setStderr(print);
  const archives = await loaded;
  for (const [archive, format] of archives) if (format === "zip") pyodide.unpackArchive(archive, format, { extractDir: "/lib/checks" });
  const own = await source;
  reportReadErrors(pyodide);
  limitNewFiles(pyodide);
  pyodide.FS.mkdirTree("/in");
  self.ossferryChecks = { loadHeic: heicLoader(decoder && at(decoder.url), decoder?.integrity) };
  pyodide.runPython('import sys; sys.path.insert(0, "/lib/checks")');
  const { make_checker, make_repair } = pyodide.pyimport("ossferry_checks.in_browser");
  if (repairs) output = await makeOutput(outputName);
  removeAllBut(KEPT_OF_NAVIGATOR, navigator);
  removeAllBut(KEPT, self);
  // Only now, and behind Python's library: a wheel may have a module with the name of one that Python or we import.
  for (const [archive, format] of archives) if (format === "wheel") pyodide.unpackArchive(archive, format, { extractDir: "/lib/wheels" });
  pyodide.runPython('sys.path.append("/lib/wheels")');
  if (repairs) makeRepair = (path, about) => make_repair(JSON.stringify(config), own, path, JSON.stringify({ ...about, max_size: output.limit }), output.write);
  else checker = make_checker(JSON.stringify(config), own);
}

// Makes a file readable for Python, and returns its path.
async function mount(file, name) {
  const { FS } = pyodide;
  const path = `/in/${name.replaceAll(/[/\0]/g, "_")}`;
  const content = file.size <= MAX_COPY && (await file.arrayBuffer().catch(() => null));
  room = limits.new_files + (content ? content.byteLength : 0);
  if (content) {
    FS.mount(FS.filesystems.MEMFS, {}, "/in");
    FS.writeFile(path, new Uint8Array(content), { canOwn: true });
    FS.chmod(path, READ_ONLY);
    FS.chmod("/in", READ_ONLY_FOLDER);
  } else FS.mount(FS.filesystems.WORKERFS, { blobs: [{ name: path.slice("/in/".length), data: file }] }, "/in");
  return path;
}

function progressOf(id) {
  let reportedAt = 0;
  return (share) => {
    if (performance.now() - reportedAt < PROGRESS_MS) return;
    reportedAt = performance.now();
    post({ id, share });
  };
}

// Calls a command of the repair of a table, such as `open` or `scan`; arguments and result are JSON.
async function call({ id, file, about, command, given }) {
  post({ id, began: true });
  if (file) repair = makeRepair(await mount(file, about.name), about);
  if (command === "write") output.begin();
  const result = await repair.call(command, given, progressOf(id));
  if (command !== "take") return post({ id, result, heap: pyodide._module.HEAPU8.length });
  const blob = output.end();
  const changes = new Blob([pyodide.FS.readFile(repair.changes_path())], { type: "text/csv" });
  post({ id, result, blob, changes });
}

async function check({ id, file, about }) {
  const { FS } = pyodide;
  const folder = `/new/${id}`;
  FS.mkdirTree(folder);
  const input = await mount(file, about.name);
  const onStart = (name, limit) => post({ id, check: name, limit });
  try {
    const verdict = JSON.parse(await checker.check(input, folder, JSON.stringify(about), onStart, progressOf(id)));
    const path = checker.new_path();
    const made = path && new File([FS.readFile(path)], verdict.name, { type: verdict.type });
    post({ id, verdict, file: made || null, heap: pyodide._module.HEAPU8.length + limits.new_files - room });
  } finally {
    FS.unmount("/in");
    checker.clean(folder);
  }
}

// Pyodide leaves some of its promises without a handler, and a check that calls `os._exit` never ends.
self.onunhandledrejection = (event) => {
  event.preventDefault();
  fail(event.reason);
};

let current; // id of the file
const fail = (error) => post({ id: current, failed: String(error?.message ?? error) });

// {start: {config, base, repairs, outputName}} is answered by {ready: true} or {failed: text}.
// {check: {id, file, about}} is answered by {id, began: true}, by {id, check, limit} for each check, by {id, share}, and at the end by
// {id, verdict, file, heap} or {id, failed: text}.
// {call: {id, file, about, command, given}} is answered by {id, began: true}, by {id, share}, and at the end by {id, result, heap} or
// {id, failed: text}; the first call has a file. The answer to `take` also has `changes` and, without a file system, `blob`.
self.onmessage = async ({ data }) => {
  try {
    if (data.start) {
      await start(data.start);
      post({ ready: true });
    } else if (data.call) {
      current = data.call.id;
      await call(data.call);
    } else {
      current = data.check.id;
      post({ id: current, began: true });
      await check(data.check);
    }
  } catch (error) {
    fail(error);
  }
};
