// The bytes of a blob in pieces, for digest.js.
"use strict";

const SWEPT = 2 ** 30; // bytes
const buffers = []; // that nobody reads into
const reading = new Set(); // a stream that nothing holds is collected, and whoever waits for its bytes waits for ever
let unswept = 0;

// Browsers that read a blob into a given buffer need less time for it; others ignore the buffer.
function readerOf(stream) {
  try {
    return [stream.getReader({ mode: "byob" }), true];
  } catch {
    return [stream.getReader(), false]; // TypeError: it is no stream of bytes
  }
}

// Each reading leaves 300 bytes that Chromium's small collections do not free. It starts a large one when much
// memory is asked for, if only for a moment; nothing is written there.
function sweep(size) {
  unswept += size;
  if (unswept < SWEPT) return;
  unswept = 0;
  new ArrayBuffer(96 << 20).transfer?.(0);
}

// Firefox does not notice that a file has become shorter since it was chosen, and reads what is left.
function checkWhole(count, size) {
  if (count < size) throw new DOMException("The file has become shorter.", "NotReadableError");
}

// The bytes of a blob, until they are read or nobody wants more of them; each piece until the next is asked for.
async function* chunks(blob, isWanted) {
  const stream = blob.stream();
  const [reader, isByob] = readerOf(stream);
  let buffer = buffers.pop() ?? new ArrayBuffer(256 * 1024);
  let count = 0;
  reading.add(stream);
  try {
    while (isWanted()) {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (isByob) buffer = value.buffer;
      if (done) return checkWhole(count, blob.size);
      count += value.length;
      yield value;
      if (isByob) sweep(value.length);
      else value.buffer.transfer?.(0); // frees it now; the collector waits until there are 80 MB of them
    }
    reader.cancel();
  } finally {
    reading.delete(stream);
    if (buffer.byteLength) buffers.push(buffer); // else the reading that took it has failed
  }
}

// Checksums of bytes, for crc64.js, which it is one script with when it is served: CRC-64 by braid.js, SHA-256 by
// hash-wasm, which checksums.js puts behind them where it is asked for.
"use strict";

const idle = { crc64: [newCrc64()], sha256: [] }; // hashers

const newHasher = (kind) => (kind === "crc64" ? newCrc64() : hashwasm.createSHA256());

// A "crc64" is in decimal, as OSS writes it in x-oss-hash-crc64ecma; a "sha256" in hex digits.
async function digest(kind, chunks) {
  const hasher = idle[kind].pop() ?? (await newHasher(kind));
  try {
    hasher.init();
    for await (const bytes of chunks) hasher.update(bytes);
    return hasher.digest("hex");
  } finally {
    idle[kind].push(hasher);
  }
}

// Reads files off the main thread: lists of {id, kind, blob, offset, size} in, lists of [id, text] out, and of small
// files that were looked at [id, text, all of their bytes], which can be sent without another reading. A text that
// begins with "!" says why it could not be read. Else it is a "crc64" or "sha256", or for "look" the first
// bytes of a file in hex digits and, if all of it was read for that, a space and its CRC-64. After {stop: id}
// no more is read for that question.
"use strict";

const HEAD = 32; // bytes
const SMALL = 64 * 1024; // bytes; only beyond it a stream is worth its start
const wanted = new Set(); // ids of what is being read

// What a file lacks that has become shorter, WebKit's `arrayBuffer` fills up with zeros; a stream ends. If that
// fails, `arrayBuffer` tells why.
async function bytesOf(blob) {
  const bytes = await new Response(blob.stream()).arrayBuffer().catch(() => blob.arrayBuffer());
  checkWhole(bytes.byteLength, blob.size);
  return new Uint8Array(bytes);
}

const hex = (bytes) => Array.from(bytes.subarray(0, HEAD), (byte) => byte.toString(16).padStart(2, "0")).join("");
const seen = async (bytes) => `${hex(bytes)} ${await digest("crc64", [bytes])}`;
const sum = (kind) => async (blob, isWanted) => digest(kind, blob.size > SMALL ? chunks(blob, isWanted) : [await bytesOf(blob)]);

const kinds = {
  crc64: sum("crc64"),
  sha256: sum("sha256"),
  look: async (blob) => (blob.size > SMALL ? hex(await bytesOf(blob.slice(0, HEAD))) : seen(await bytesOf(blob))),
};

async function answer({ id, kind, blob, offset, size }) {
  const piece = size === blob.size ? blob : blob.slice(offset, offset + size);
  wanted.add(id);
  const text = await kinds[kind](piece, () => wanted.has(id)).catch(({ name, message }) => `!${name}: ${message}`);
  if (wanted.delete(id)) postMessage([[id, text]]);
}

// Small files that are asked for together are read in one go: a fifth of the work. If one of them cannot
// be read, none is; then each is looked at alone, to find out which.
async function lookAt(asked) {
  try {
    const all = await bytesOf(new Blob(asked.map(({ blob }) => blob)));
    let at = 0;
    const parts = asked.map(({ size }) => all.slice(at, (at += size)));
    all.buffer.transfer?.(0); // frees it now, as in digest.js
    const texts = await Promise.all(parts.map(seen));
    const found = asked.map(({ id }, index) => [id, texts[index], parts[index].buffer]);
    postMessage(found, parts.map(({ buffer }) => buffer));
  } catch {
    for (const each of asked) answer(each);
  }
}

addEventListener("message", ({ data }) => {
  const small = data.filter(({ kind, size }) => kind === "look" && size <= SMALL);
  if (small.length) lookAt(small);
  for (const each of data) {
    if (each.stop) wanted.delete(each.stop);
    else if (!small.includes(each)) answer(each);
  }
});
