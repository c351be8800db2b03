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
