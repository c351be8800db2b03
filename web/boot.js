// What must happen before Python is up: lock the page, and say when the start fails.
// Nothing else belongs here; files are taken by intake.js, the page itself is uploader/main.py.
"use strict";

const root = document.documentElement;
const ownOrigin = (url) => {
  if (new URL(url, location.href).origin !== location.origin) throw new TypeError(`Refused script ${url}`);
  return url;
};

// PyScript builds its hooks with Function(); all other code from strings, and HTML from strings, is refused.
const FACTORY = "(function anonymous(\n) {\nreturn(w,x)=>(";
let sealed = false;
window.trustedTypes?.createPolicy("default", {
  createScriptURL: ownOrigin,
  createScript: (code) => (!sealed && code.startsWith(FACTORY) ? code : null),
});

const trouble = (on) => (document.getElementById("trouble").hidden = !on);
function fail() {
  root.dataset.app = "failed";
  trouble(true);
}
addEventListener("error", ({ target }) => target.tagName === "SCRIPT" && fail(), true);
addEventListener("unhandledrejection", () => root.dataset.app === "loading" && fail());

const storageUrl = ownOrigin(document.currentScript.dataset.storage);

// What Python reaches because its bridge to JavaScript cannot do it itself.
window.ossferry = {
  crc64: ownOrigin(document.currentScript.dataset.crc64),
  // Always a promise: an exception thrown at once would go past MicroPython's `except`.
  storage: async (operation, ...given) => (await import(storageUrl))[operation](...given),
  fail,
  guardLeaving: (on) => (window.onbeforeunload = on ? (event) => event.preventDefault() : null),
  ready: () => ((sealed = true), trouble(false), (root.dataset.app = "ready")),
  text: (owner, name) => String(owner[name]), // MicroPython cuts integers to 32 bits
  timeOfDay: (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }),
};
