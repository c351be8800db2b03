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
