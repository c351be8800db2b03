// Says what this browser lacks, before anything that it may not understand. It stands in the page
// itself and is written in the JavaScript of 2009; it loads nothing.
(function (root) {
  "use strict";
  // A module of WASM with a `try`; MicroPython is built with it (docs/decisions/0005-a-faster-interpreter.md).
  var EXCEPTIONS = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 8, 1, 6, 0, 6, 64, 25, 11, 11];
  var EMPTY = EXCEPTIONS.slice(0, 8);

  function lacks(what) {
    root.setAttribute("data-app", "failed");
    root.setAttribute("data-lacks", what);
  }

  function runs(bytes) {
    try {
      return !!new WebAssembly.Module(new Uint8Array(bytes)); // refused, too, where a policy forbids it
    } catch (error) {
      return false;
    }
  }

  if (!("noModule" in document.createElement("script"))) lacks("old");
  else if (!runs(EMPTY)) lacks("wasm");
  else if (!runs(EXCEPTIONS)) lacks("old");

  // A script of the page that cannot even be read: its language is too new for this browser. A script or the style
  // sheet that has not come, or has other bytes than its hash says: then nothing is started (build.py).
  window.addEventListener(
    "error",
    function (event) {
      if (event.message && String(event.message).indexOf("SyntaxError") >= 0) lacks("old");
      var element = event.target;
      var isOurs = element && (element.tagName === "SCRIPT" || element.rel === "stylesheet");
      if (!isOurs || root.getAttribute("data-app") !== "loading") return;
      root.setAttribute("data-app", "failed");
      root.setAttribute("data-incomplete", "");
    },
    true
  );
})(document.documentElement);
