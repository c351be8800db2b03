// Saves several stored files as one ZIP archive, which zip_worker.js downloads and writes.

import { newOutput } from "../storage/outputs.js";

const MOST_IN_MEMORY = 256 << 20; // bytes
const ROOM = 1.05; // of the files' size, for the archive's own entries and the browser's rounding
const TYPES = [{ accept: { "application/zip": [".zip"] } }];

// Returns { place, handle }: "picked", a file that the person has chosen; "storage", one that the browser saves when it is
// complete; "memory"; "cancelled" by the person; or "nowhere", if the browser has no room for the archive.
async function placeFor(name, size) {
  try {
    const handle = await self.showSaveFilePicker?.({ suggestedName: name, types: TYPES });
    if (handle) return { place: "picked", handle };
  } catch (error) {
    if (error.name === "AbortError") return { place: "cancelled" };
  }
  const { quota = 0, usage = 0 } = (await navigator.storage?.estimate?.().catch(() => {})) ?? {};
  const output = quota - usage > size * ROOM && (await newOutput());
  if (output) return { place: "storage", handle: output.handle };
  return { place: size <= MOST_IN_MEMORY ? "memory" : "nowhere" };
}

// Downloads files into an archive, one after the other.
class Archive {
  #name;
  #handle;
  #worker;
  #settle = () => {};

  constructor(name, { place, handle }) {
    this.place = place;
    this.#name = name;
    this.#handle = handle;
  }

  // progress: called with the number of bytes of a download, as text.
  async start(progress) {
    // The browser does not check the hash of a worker's script; `fetch` does (boot.js).
    const code = await (await fetch(self.ossferry.url("zip_worker"))).blob();
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    this.#worker = new Worker(address);
    this.#worker.onmessage = ({ data }) => {
      URL.revokeObjectURL(address);
      if (data.bytes) progress(String(data.bytes));
      else this.#settle(data);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#settle({ failed: event.message || "the script was not loaded" });
    };
    const { problem } = await this.#ask({ open: { handle: this.#handle, isPicked: this.place === "picked" } });
    return problem;
  }

  #ask(message) {
    const answer = new Promise((done) => (this.#settle = ({ blob, failed = "" }) => done({ blob, problem: failed })));
    this.#worker.postMessage(message);
    return answer;
  }

  // file: JSON of { url, path, size in bytes, at in milliseconds }. Resolves to "", or to the reason why the archive cannot be
  // completed.
  async add(file) {
    return (await this.#ask({ add: JSON.parse(file) })).problem;
  }

  // Completes the archive, and lets the browser save it. Resolves like `add`.
  async finish() {
    const { blob, problem } = await this.#ask({ finish: true });
    const made = blob ?? (this.place === "storage" && !problem && (await this.#handle.getFile()));
    if (made) {
      const href = URL.createObjectURL(new File([made], this.#name, { type: "application/zip" }));
      Object.assign(document.createElement("a"), { href, download: this.#name }).click();
    }
    this.#worker.terminate();
    return problem;
  }

  // Ends the downloads; an incomplete archive is dropped.
  close() {
    this.#settle({ failed: "cancelled" });
    this.#worker?.terminate();
  }
}

// Returns an `Archive`, or an object with the `place` "cancelled" or "nowhere". Call it in the task of a click, as browsers
// open a file dialog only then.
export async function open(name, size) {
  const found = await placeFor(name, size);
  return found.handle || found.place === "memory" ? new Archive(name, found) : found;
}
