// The checksum worker: reads files off the main thread. The messages are described at the end, where they are handled.
// build.py puts crc64_wasm.js in front, and checksums.js adds hash-wasm where SHA-256 is needed.
"use strict";

const SWEPT = 2 ** 30; // bytes read between two large garbage collections
const BLOB = 2 ** 4; // weight of a byte in a Blob, which fills the memory of another process until it is collected
const buffers = []; // unused buffers
const reading = new Set(); // keeps streams alive: Chromium collects an unreferenced one, and its reader waits for ever
let unswept = 0;

// Returns [reader, isByob]. Reading into a given buffer ("byob") is faster where the browser supports it for blobs.
function readerOf(stream) {
  try {
    return [stream.getReader({ mode: "byob" }), true];
  } catch {
    return [stream.getReader(), false]; // TypeError: not a byte stream
  }
}

// Starts a large garbage collection after each GiB: every read leaves 300 bytes that Chromium's small collections do not
// free. Allocating much memory triggers it; the memory is never written, and is freed at once.
function sweep(size) {
  unswept += size;
  if (unswept < SWEPT) return;
  unswept = 0;
  new ArrayBuffer(96 << 20).transfer?.(0);
}

// Firefox reads a file that was truncated after it was chosen without an error, up to its new end.
function checkWhole(count, size) {
  if (count < size) throw new DOMException("The file has become shorter.", "NotReadableError");
}

// Yields the bytes of a blob while `isWanted()` is true. A chunk is valid until the next one is requested.
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
      else value.buffer.transfer?.(0); // frees it now: the collector waits for 80 MB of them
    }
    reader.cancel();
  } finally {
    reading.delete(stream);
    if (buffer.byteLength) buffers.push(buffer); // a failed read keeps the buffer
  }
}

const idle = { crc64: [newCrc64()], sha256: [] }; // unused hashers

const newHasher = (kind) => (kind === "crc64" ? newCrc64() : hashwasm.createSHA256());

// Returns a "crc64" in decimal, as OSS writes it in x-oss-hash-crc64ecma, or a "sha256" in hex digits.
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

const HEAD = 32; // bytes
const SMALL = 64 * 1024; // bytes; up to this size, reading in chunks takes longer
const wanted = new Set(); // ids of the questions in work

// Returns the bytes of a small blob. Of a truncated file WebKit's `arrayBuffer` fills the missing part with zeros, while
// a stream ends. If the stream fails, `arrayBuffer` gives the reason.
async function bytesOf(blob) {
  const bytes = await new Response(blob.stream()).arrayBuffer().catch(() => blob.arrayBuffer());
  checkWhole(bytes.byteLength, blob.size);
  return new Uint8Array(bytes);
}

const hex = (bytes) => Array.from(bytes.subarray(0, HEAD), (byte) => byte.toString(16).padStart(2, "0")).join("");
const seen = async (bytes) => `${hex(bytes)} ${await digest("crc64", [bytes])}`;
const sum = (kind) => async (blob, isWanted) => digest(kind, blob.size > SMALL ? chunks(blob, isWanted) : [await bytesOf(blob)]);

const AT_ONCE = 2 ** 22; // bytes that are encrypted at a time: each time costs two changes between threads
const BLOCK = 16; // bytes of a block of AES

const fromHex = (digits) => Uint8Array.from(digits.match(/../g), (byte) => parseInt(byte, 16));

// The counter of the block at byte `at` of a blob whose first block has the counter `first`, in hex digits.
function counterAt(first, at) {
  const counter = BigInt.asUintN(8 * BLOCK, BigInt(`0x${first}`) + BigInt(at / BLOCK));
  return fromHex(counter.toString(16).padStart(2 * BLOCK, "0"));
}

function cannotEncrypt(why) {
  throw new DOMException(why, "EncryptionError");
}

// Yields the bytes of chunks, AT_ONCE at a time. They are valid until the next ones are requested.
async function* filled(chunks, size) {
  const bytes = new Uint8Array(Math.min(AT_ONCE, size));
  let count = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const more = chunk.subarray(at, at + bytes.length - count);
      bytes.set(more, count);
      at += more.length;
      count += more.length;
      if (count < bytes.length) continue;
      yield bytes;
      count = 0;
    }
  }
  if (count) yield bytes.subarray(0, count);
  bytes.buffer.transfer?.(0); // frees it now, as in `chunks`
}

// Yields the bytes of a blob, encrypted with AES-CTR, while `isWanted()` is true. Browsers have `crypto.subtle` only in
// pages from https and from this machine.
async function* encrypted(blob, isWanted, { key, counter }) {
  const aes = crypto.subtle ?? cannotEncrypt("The page is not from https.");
  const failed = (error) => cannotEncrypt(String(error));
  const secret = await aes.importKey("raw", fromHex(key), "AES-CTR", false, ["encrypt"]).catch(failed);
  let at = 0;
  for await (const bytes of blob.size > SMALL ? filled(chunks(blob, isWanted), blob.size) : [await bytesOf(blob)]) {
    const how = { name: "AES-CTR", counter: counterAt(counter, at), length: 8 * BLOCK };
    at += bytes.length;
    yield new Uint8Array(await aes.encrypt(how, secret, bytes).catch(failed)); // copies `bytes` at once
  }
}

// Yields the same chunks, and adds a Blob of each to `kept`: browsers may move Blobs to the disk.
async function* keeping(chunks, kept) {
  for await (const bytes of chunks) {
    kept.push(new Blob([bytes]));
    yield bytes;
    bytes.buffer.transfer?.(0);
  }
}

async function encrypt(blob, ...given) {
  const kept = [];
  sweep(BLOB * blob.size);
  const text = await digest("crc64", keeping(encrypted(blob, ...given), kept));
  return [text, new Blob(kept)];
}

const kinds = {
  crc64: sum("crc64"),
  encrypt,
  "encrypted-crc64": (...given) => digest("crc64", encrypted(...given)),
  sha256: sum("sha256"),
  look: async (blob) => (blob.size > SMALL ? hex(await bytesOf(blob.slice(0, HEAD))) : seen(await bytesOf(blob))),
};

async function answer({ id, kind, blob, offset, size, cipher }) {
  const piece = size === blob.size ? blob : blob.slice(offset, offset + size);
  wanted.add(id);
  const isWanted = () => wanted.has(id);
  const result = await kinds[kind](piece, isWanted, cipher).catch(({ name, message }) => `!${name}: ${message}`);
  if (wanted.delete(id)) postMessage([[id, ...[result].flat()]]);
}

// Reads small files of one message together, which is a fifth of the work. If that fails, reads each one alone, to find
// out which of them cannot be read.
async function lookAt(questions) {
  try {
    const all = await bytesOf(new Blob(questions.map(({ blob }) => blob)));
    let at = 0;
    const parts = questions.map(({ size }) => all.slice(at, (at += size)));
    all.buffer.transfer?.(0); // frees it now, as in `chunks`
    const texts = await Promise.all(parts.map(seen));
    const answers = questions.map(({ id }, index) => [id, texts[index], parts[index].buffer]);
    postMessage(answers, parts.map(({ buffer }) => buffer));
  } catch {
    questions.forEach(answer);
  }
}

// In: a list of {id, kind, blob, offset, size, cipher}, or {stop: id} to end a question. Out: a list of [id, text], for a
// small file [id, text, all its bytes], which can be sent without reading it again, and for "encrypt" [id, text, a Blob of
// the encrypted bytes]. The text is the "crc64" or "sha256"; for "encrypt" and "encrypted-crc64", whose `cipher` is { key,
// counter } in hex digits, the CRC-64 of the encrypted bytes; for "look" the first bytes of the file in hex digits and, if
// all of it was read, a space and the CRC-64. A text that begins with "!" is the reason why the blob could not be read.
addEventListener("message", ({ data }) => {
  const small = data.filter(({ kind, size }) => kind === "look" && size <= SMALL);
  if (small.length) lookAt(small);
  for (const question of data) {
    if (question.stop) wanted.delete(question.stop);
    else if (!small.includes(question)) answer(question);
  }
});
