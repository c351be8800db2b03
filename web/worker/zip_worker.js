// Downloads files and writes them into a ZIP archive without compression. The library client-zip makes the archive; it writes
// ZIP64 where files are large. zip.js starts this worker, and sends one message at a time.

import { makeZip } from "client-zip";

const PROGRESS_MS = 200;
const MOST_TRIES = 6; // of a download that ends too early
const FIRST_WAIT_MS = 500;

let add = null; // gives the archive its next file, or `undefined` at its end
let written = null; // settles when the archive is complete
let unreported = 0; // bytes
let reportedAt = 0;

function report(size) {
  unreported += size;
  if (performance.now() - reportedAt < PROGRESS_MS) return;
  reportedAt = performance.now();
  postMessage({ bytes: unreported });
  unreported = 0;
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// Yields the bytes of a file. A download that ends too early is continued.
async function* bytesOf({ url, size }) {
  let at = 0;
  for (let tries = 0; ; ) {
    try {
      const answer = await fetch(url, { headers: at ? { range: `bytes=${at}-` } : {}, credentials: "omit", cache: "no-store" });
      if (answer.status !== (at ? 206 : 200)) {
        if (answer.status < 500) tries = MOST_TRIES - 1; // it would get the same answer again
        throw new Error(`HTTP ${answer.status}`);
      }
      const reader = answer.body.getReader();
      for (let chunk; (chunk = await reader.read()), !chunk.done; ) {
        at += chunk.value.length;
        report(chunk.value.length);
        tries = 0;
        yield chunk.value;
      }
      if (at === size) return;
      throw new Error(`${at} bytes instead of ${size}`);
    } catch (error) {
      tries += 1;
      if (tries === MOST_TRIES || at > size) throw error;
      await wait(FIRST_WAIT_MS * 2 ** tries);
    }
  }
}

async function* entries() {
  for (;;) {
    const file = await new Promise((done) => (add = done));
    if (!file) return;
    yield { name: file.path, lastModified: new Date(file.at), size: file.size, input: bytesOf(file) };
    postMessage({ bytes: unreported });
    unreported = 0;
    postMessage({}); // the file is in the archive
  }
}

// Returns the `WritableStream` of the archive, and what gives the result: a Blob, or nothing if it is in a file.
async function openTarget({ handle, isPicked }) {
  if (isPicked) return [await handle.createWritable(), () => undefined];
  if (!handle) {
    const parts = [];
    return [new WritableStream({ write: (chunk) => void parts.push(chunk) }), () => new Blob(parts)];
  }
  const file = await handle.createSyncAccessHandle();
  const write = (chunk) => {
    if (file.write(chunk) !== chunk.byteLength) throw new RangeError("the storage of the browser is full"); // Chromium may only return less
  };
  return [new WritableStream({ write, close: () => file.close() }), () => undefined];
}

async function open(target) {
  const [stream, result] = await openTarget(target);
  written = makeZip(entries())
    .pipeTo(stream)
    .then(() => ({ blob: result() }));
  written.catch((error) => postMessage({ failed: `${error.name}: ${error.message}` }));
}

self.onmessage = async ({ data }) => {
  if (data.add) return add(data.add);
  try {
    if (data.open) {
      await open(data.open);
      postMessage({});
    } else {
      add();
      postMessage(await written);
    }
  } catch (error) {
    postMessage({ failed: `${error.name}: ${error.message}` });
  }
};
