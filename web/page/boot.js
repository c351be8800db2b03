// Runs before everything else: locks the page against other scripts, shows a failed start, and fetches the page's
// Python. The build adds intake.js, which accepts files, and the bridge; upload_page/main.py is the page itself.
"use strict";

const root = document.documentElement;

const fail = () => (root.dataset.app = "failed");

const ownOrigin = (url) => {
  const absolute = new URL(url, location.href);
  if (absolute.origin !== location.origin) throw new TypeError(`Refused script ${url}`);
  return absolute.href;
};

// Trusted Types: scripts come from this server; code and HTML from strings is refused.
window.trustedTypes?.createPolicy("default", { createScriptURL: ownOrigin });

// WebRTC can connect to any address in spite of the Content-Security-Policy, and the page does not use it.
for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "mozRTCPeerConnection"])
  Object.defineProperty(window, name, { value: undefined });

// The browser checks the hashes of scripts (tags and import map). This checks those of fetched files: Python, WASM.
const { integrity } = JSON.parse(document.querySelector("script[type=importmap]").textContent);
const hashes = new Map(Object.entries(integrity).map(([url, hash]) => [new URL(url, location.href).pathname, hash]));
const plainFetch = window.fetch;
window.fetch = async (what, options) => {
  const hash = hashes.get(new URL(what.url ?? what, location.href).pathname);
  if (!hash) return plainFetch(what, options);
  return plainFetch(what, { ...options, integrity: hash }).catch((error) => {
    if (root.dataset.app === "loading") fail();
    throw error;
  });
};

addEventListener("unhandledrejection", () => root.dataset.app === "loading" && fail());

// setTimeout without a delay, replaced by a message: a timer set by a timer waits at least 4 ms, and MicroPython sets
// one at each switch of tasks. A message arrives at once, and the browser can still paint and handle events before it.
// Only one message is in flight at a time: MicroPython sets four timers for each file and clears most of them.
//
// While a person scrolls, the next task waits for a frame once tasks have run for BUDGET_MS: other tasks, such as those
// of a list of 2,000 rows that are sent, need the rest of the frame.
const BUDGET_MS = 2;
const SCROLLING_MS = 200; // after the last scroll event
const FRAME_MS = 100; // then a frame is no longer awaited: a hidden page has none
const soon = new Map();
const { port1, port2 } = new MessageChannel();
// A global name of this script would hide the replacement from bridge.js, which the build adds to it.
const { setTimeout: setTimer, clearTimeout: clearTimer } = window;
let count = 0;
let comes = false;
let turns = 0;
let isWatched = false;
let used = 0; // ms since the last awaited frame
let scrolled = -SCROLLING_MS;
let post = () => port2.postMessage(null);
addEventListener("scroll", () => (scrolled = performance.now()), { capture: true, passive: true });
function call() {
  if (comes || !soon.size) return;
  comes = true;
  if (used > BUDGET_MS && performance.now() < scrolled + SCROLLING_MS) postAfterFrame();
  else post();
  if (!isWatched) watch(turns);
}
function postAfterFrame() {
  const go = () => {
    cancelAnimationFrame(frame);
    clearTimer(timer);
    used = 0;
    post();
  };
  const frame = requestAnimationFrame(go);
  const timer = setTimer(go, FRAME_MS);
}
function next() {
  const [[number, run] = []] = soon;
  soon.delete(number);
  turns += 1;
  const began = performance.now();
  try {
    run?.();
  } finally {
    used += performance.now() - began;
    comes = false;
    call();
  }
}
port1.onmessage = next;

// In WebKit the network process delivers messages, also those from a page to itself. When that process ends, no message
// arrives any more, and real timers are used. A message counts as lost after two waits: a computer that sleeps during
// one of them delays the message as well.
const WAIT_MS = 1000;
function watch(seen, waits = 2) {
  isWatched = comes;
  if (!comes) return;
  if (waits) return setTimer(() => watch(turns, turns === seen ? waits - 1 : 2), WAIT_MS);
  port1.onmessage = null;
  post = () => setTimer(next, 0);
  post();
}
window.setTimeout = (run, ms, ...given) => {
  if (ms > 1 || given.length || typeof run !== "function") return setTimer(run, ms, ...given);
  soon.set(--count, run); // other timers have positive numbers
  call();
  return count;
};
window.clearTimeout = (number) => soon.delete(number) || clearTimer(number);

// While uploads run, the screen stays on (Screen Wake Lock), and closing the page asks first. The browser releases the
// lock when the page is hidden.
let busy = false;
let awake = null;
let isRequesting = false; // a request is pending: the lock of a second one would never be released
async function stayAwake() {
  if (!busy || awake || isRequesting || document.visibilityState !== "visible") return;
  isRequesting = true;
  awake = await navigator.wakeLock?.request("screen").catch(() => null);
  isRequesting = false;
  awake?.addEventListener("release", () => (awake = null));
  if (!busy) awake?.release();
}
document.addEventListener("visibilitychange", stayAwake);

function guardLeaving(on) {
  busy = on;
  window.onbeforeunload = on ? (event) => event.preventDefault() : null;
  if (on) stayAwake();
  else awake?.release();
}

const urls = JSON.parse(document.currentScript.dataset.urls);
const url = (name) => ownOrigin(urls[name]);

// Fetched while the interpreter is loaded. Python is too slow to write the files itself: it would get their bytes as text.
const archive = window.fetch(url("modules")).then((answer) => answer.arrayBuffer());

// Writes the files of an archive (`web/archive.py`) with `FS`, the interpreter's file system, and returns their paths.
function unpack(FS, buffer) {
  let end = 4 + new DataView(buffer).getUint32(0, true);
  return JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, end - 4))).map(([path, size]) => {
    FS.mkdirTree(path.slice(0, path.lastIndexOf("/")));
    FS.writeFile(path, new Uint8Array(buffer, end, size), { canOwn: true });
    end += size;
    return path;
  });
}

// Fetched early too; whoever needs it later reports an error.
import(url("storage")).catch(() => {});

// bridge.js adds the functions that the uploader itself needs.
window.ossferry = {
  load: (module) => import(url(module)),
  unpack: async (FS) => unpack(FS, await archive),
  fail,
  guardLeaving,
  ready: () => {
    root.dataset.app = "ready";
    setTimeout(window.ossferry.startChecksums, 50);
  },
  url,
};

// Pyodide ignores a rejected promise whose error has no `stack`, and the task that awaits it never ends. WebKit sets no
// stack on errors that no script threw, such as that of a `fetch` without a response.
if (!("stack" in Error.prototype)) Object.defineProperty(Error.prototype, "stack", { value: "", writable: true, configurable: true });

// The page waits for what the server allows the embedding site.
if (new URLSearchParams(location.search).has("embed")) window.ossferry.load("frame").catch(fail);

// Hides the button for folders where none can be chosen: some touch browsers have `webkitdirectory` without effect. On
// iOS it works since 18.4, the version that also brought `Iterator`.
const fingers = matchMedia("(pointer: coarse)").matches;
const folders = "webkitdirectory" in HTMLInputElement.prototype && !(fingers && !window.Iterator);
root.classList.toggle("no-folders", !folders);
root.classList.add("booted"); // without this class the style sheet shows a failed start after 12 s
