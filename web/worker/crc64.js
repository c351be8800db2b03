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
