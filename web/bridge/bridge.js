// Functions that Python calls because its own bridge to JavaScript cannot do the same. exchange.js and checksums.js add
// more of them. They run in a page or in a worker, so `self` is the global object.
"use strict";

self.ossferry ??= {};
{
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

  // [name, folders, size, type, time of change, error, whether it exists only in this page]. Python gets it as JSON:
  // a string crosses in one step, and keeps integers above 32 bits.
  const facts = ({ name, folders, webkitRelativePath = "", size, type, lastModified = 0, lost = "", isMade = false }) => {
    const above = webkitRelativePath.slice(0, Math.max(0, webkitRelativePath.lastIndexOf("/")));
    return [name, folders ?? above, size, type, lastModified, lost, isMade];
  };

  const kindOf = (value) => {
    if (value instanceof Blob) return value instanceof File ? "file" : "blob";
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return "bytes";
    return value?.getReader || value?.[Symbol.asyncIterator] ? "stream" : "";
  };

  // Functions of the global object. MicroPython calls such a function with a wrong `this`, and cannot catch the error, if
  // other code has called it as a method before, such as `js.window.setTimeout`: it has one proxy for each function.
  Object.assign(self.ossferry, {
    addEventListener: (name, run) => addEventListener(name, run),
    clearTimeout: (timer) => clearTimeout(timer),
    fetch: (url, options) => fetch(url, options),
    removeEventListener: (name, run) => removeEventListener(name, run),
    setTimeout: (run, ms) => setTimeout(run, ms),
  });

  Object.assign(self.ossferry, {
    // Returns a promise in all cases: MicroPython cannot catch an exception that is thrown synchronously.
    ask: async (module, operation, ...given) => (await import(self.ossferry.url(module)))[operation](...given),
    facts: (file) => JSON.stringify(facts(file)),
    kindOf,
    fromHex: (digits) => new Uint8Array(digits.length / 2).map((_zero, at) => parseInt(digits.slice(2 * at, 2 * at + 2), 16)),
    factsOf: (files, start, end) => JSON.stringify(files.slice(start, end).map(facts)),
    // Returns hex digits: a string crosses to MicroPython faster than an array.
    random: (size) => hex(crypto.getRandomValues(new Uint8Array(size))),
    text: (owner, name) => String(owner[name]), // MicroPython cuts integers to 32 bits
  });
}
