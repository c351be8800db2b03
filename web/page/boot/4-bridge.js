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
