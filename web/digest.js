// Checksums of bytes, for crc64.js: computed by hash-wasm.
"use strict";

importScripts(new URL("crc64.umd.min.js", location.href));

const POLYNOMIAL = "c96c5795d7870f42"; // reflected; check value of "123456789" is 995dc9bbdf1939fa
const idle = { crc64: [], sha256: [] }; // hashers: each new one starts an instance of WASM

async function newHasher(kind) {
  if (kind === "crc64") return hashwasm.createCRC64(POLYNOMIAL);
  if (!hashwasm.createSHA256) importScripts(new URL("sha256.umd.min.js", location.href));
  return hashwasm.createSHA256();
}

newHasher("crc64").then((hasher) => idle.crc64.push(hasher)); // the first file need not wait for it

// A "crc64" is in decimal, as OSS writes it in x-oss-hash-crc64ecma; a "sha256" in hex digits.
async function digest(kind, chunks) {
  const hasher = idle[kind].pop() ?? (await newHasher(kind));
  try {
    hasher.init();
    for await (const bytes of chunks) hasher.update(bytes);
    return kind === "crc64" ? BigInt(`0x${hasher.digest("hex")}`).toString() : hasher.digest("hex");
  } finally {
    idle[kind].push(hasher);
  }
}

// The bytes of a blob, until they are read or nobody wants more of them.
async function* chunks(blob, isWanted) {
  const reader = blob.stream().getReader();
  while (isWanted()) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
    value.buffer.transfer?.(0); // frees it now; the collector waits until there are 80 MB of them
  }
  reader.cancel();
}
