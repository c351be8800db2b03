// What must happen before Python is up: lock the page, set its colours, and say when the start fails.
// First part of boot.js, whose parts are one script; nothing else belongs there. Files are taken by
// intake.js, the page itself is uploader/main.py.
"use strict";

const root = document.documentElement;
root.classList.toggle("embedded", parent !== window);
root.classList.add("booted"); // without this, the style sheet says after a while that the page could not start
const kept = /(?:^|; )ossferry_theme=(light|dark)/.exec(document.cookie);
if (kept) root.dataset.theme = kept[1];

const fail = () => (root.dataset.app = "failed");

const ownOrigin = (url) => {
  if (new URL(url, location.href).origin !== location.origin) throw new TypeError(`Refused script ${url}`);
  return url;
};

// PyScript builds its hooks with Function(); all other code from strings, and HTML from strings, is refused.
// Chromium hands the text over in parentheses, Firefox and WebKit without.
const FACTORY = /^\(?function anonymous\(\n\) \{\nreturn\(w,x\)=>\(/;
let sealed = false;
window.trustedTypes?.createPolicy("default", {
  createScriptURL: ownOrigin,
  createScript: (code) => (!sealed && FACTORY.test(code) ? code : null),
});

// WebRTC reaches any address past the Content-Security-Policy, and nothing here needs it.
for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "mozRTCPeerConnection"])
  Object.defineProperty(window, name, { value: undefined });

// Scripts are checked by their tags and the import map; what is fetched (Python, WASM) is checked here.
const { integrity } = JSON.parse(document.querySelector("script[type=importmap]").textContent);
const plainFetch = window.fetch;
window.fetch = async (what, options) => {
  const hash = integrity[new URL(what.url ?? what, location.href).pathname];
  if (!hash) return plainFetch(what, options);
  return plainFetch(what, { ...options, integrity: hash }).catch((error) => {
    if (root.dataset.app === "loading") fail();
    throw error;
  });
};

addEventListener("unhandledrejection", () => root.dataset.app === "loading" && fail());
// A timer that sets a timer waits at least 4 ms, and MicroPython sets one whenever it turns to another
// task. A message comes at once, and lets the browser paint and listen in between all the same. One is on
// its way at a time: for each file MicroPython sets four timers, and takes most of them back.
const soon = new Map();
const { port1, port2 } = new MessageChannel();
const { setTimeout, clearTimeout } = window;
let count = 0;
let comes = false;
let turns = 0;
let isWatched = false;
let post = () => port2.postMessage(null);
function call() {
  if (comes || !soon.size) return;
  comes = true;
  post();
  if (!isWatched) watch(turns);
}
function next() {
  const [[number, run] = []] = soon;
  soon.delete(number);
  turns += 1;
  comes = false;
  call();
  run?.();
}
port1.onmessage = next;

// WebKit's network process carries messages, also from a page to itself. When it ends, none comes any more: then
// timers have to do. Two waits instead of one, as a computer that sleeps in one is not late.
const WAIT_MS = 1000;
function watch(seen, waits = 2) {
  isWatched = comes;
  if (!comes) return;
  if (waits) return setTimeout(() => watch(turns, turns === seen ? waits - 1 : 2), WAIT_MS);
  port1.onmessage = null;
  post = () => setTimeout(next, 0);
  post();
}
window.setTimeout = (run, ms, ...given) => {
  if (ms > 0 || given.length || typeof run !== "function") return setTimeout(run, ms, ...given);
  soon.set(--count, run); // other timers have positive numbers
  call();
  return count;
};
window.clearTimeout = (number) => soon.delete(number) || clearTimeout(number);
// The screen stays on while there is something to lose; the browser lets it go with a hidden page.
let busy = false;
let awake = null;
let asked = false; // and not answered: one lock is enough, and a second would never be given back
async function stayAwake() {
  if (!busy || awake || asked || document.visibilityState !== "visible") return;
  asked = true;
  awake = await navigator.wakeLock?.request("screen").catch(() => null);
  asked = false;
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
// What Python reaches because its bridge to JavaScript cannot do it itself.
const urls = JSON.parse(document.currentScript.dataset.urls);
const url = (name) => ownOrigin(urls[name]);

window.ossferry = {
  // Always a promise: an exception thrown at once would go past MicroPython's `except`.
  ask: async (module, operation, ...given) => (await import(url(module)))[operation](...given),
  load: (module) => import(url(module)),
  fail,
  guardLeaving,
  // As hex digits: MicroPython takes texts cheaper than arrays.
  random: (size) => Array.from(crypto.getRandomValues(new Uint8Array(size)), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  ready: () => {
    sealed = true;
    root.dataset.app = "ready";
    setTimeout(window.ossferry.startChecksums, 50);
  },
  text: (owner, name) => String(owner[name]), // MicroPython cuts integers to 32 bits
  url,
};

// Pyodide takes for an error only what has a stack; else whoever awaits the promise that it rejects waits for ever.
// WebKit gives none to an error that no script threw, such as that of a `fetch` without an answer.
if (!("stack" in Error.prototype)) Object.defineProperty(Error.prototype, "stack", { value: "", writable: true, configurable: true });
// What the style sheet has to know of the device. Where fingers point there are browsers that know `webkitdirectory`
// and let nobody choose a folder; those of iOS could not before 18.4, which brought `Iterator` too.
const fingers = matchMedia("(pointer: coarse)").matches;
const folders = "webkitdirectory" in HTMLInputElement.prototype && !(fingers && !window.Iterator);
root.classList.toggle("no-folders", !folders);
