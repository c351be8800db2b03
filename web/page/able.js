// Sets the page's colours and kind before the first paint, and shows which feature the page needs and this browser lacks.
// The script is part of the page, loads nothing, and is written in the JavaScript of 2009, so that it runs in all browsers.
(function (root) {
  "use strict";
  var kept = /(?:^|; )ossferry_theme=(light|dark)/.exec(document.cookie);
  if (kept) root.setAttribute("data-theme", kept[1]);
  if (window.parent !== window) root.className = "embedded";
  if (/\/r\/[0-9a-f]{32}\/$/.test(window.location.pathname)) root.setAttribute("data-request", ""); // for guests

  // A WASM module with a `try`: our MicroPython uses exceptions (docs/decisions/0005-a-faster-interpreter.md).
  var EXCEPTIONS = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 8, 1, 6, 0, 6, 64, 25, 11, 11];
  var EMPTY = EXCEPTIONS.slice(0, 8);

  function lacks(what) {
    root.setAttribute("data-app", "failed");
    root.setAttribute("data-lacks", what);
  }

  function runs(bytes) {
    try {
      return !!new WebAssembly.Module(new Uint8Array(bytes)); // also throws where a policy forbids WASM
    } catch (error) {
      return false;
    }
  }

  if (!("noModule" in document.createElement("script"))) lacks("old");
  else {
    // Later, because the first use of WASM takes time, which would delay the first paint.
    document.addEventListener("DOMContentLoaded", function () {
      if (!runs(EMPTY)) lacks("wasm");
      else if (!runs(EXCEPTIONS)) lacks("old");
    });
  }

  // A SyntaxError in a script of the page means that the browser is too old. If a script does not load, or does
  // not match its hash, Python is not started (build.py).
  window.addEventListener(
    "error",
    function (event) {
      if (event.message && String(event.message).indexOf("SyntaxError") >= 0) lacks("old");
      if (!event.target || event.target.tagName !== "SCRIPT" || root.getAttribute("data-app") !== "loading") return;
      root.setAttribute("data-app", "failed");
      root.setAttribute("data-incomplete", "");
    },
    true
  );
})(document.documentElement);
