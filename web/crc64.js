// CRC-64/ECMA of a Blob, off the main thread: {id, blob} in, {id, crc64} or {id, error} out.
// crc64 is decimal text, as OSS writes it in x-oss-hash-crc64ecma.
"use strict";

importScripts(new URL("crc64.umd.min.js", location.href));

const POLYNOMIAL = "c96c5795d7870f42"; // reflected; check value of "123456789" is 995dc9bbdf1939fa

async function crc64(blob) {
  const hasher = await hashwasm.createCRC64(POLYNOMIAL);
  hasher.init();
  const reader = blob.stream().getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return BigInt(`0x${hasher.digest("hex")}`).toString();
    hasher.update(value);
  }
}

addEventListener("message", async ({ data: { id, blob } }) => {
  try {
    postMessage({ id, crc64: await crc64(blob) });
  } catch (error) {
    postMessage({ id, error: `${error.name}: ${error.message}` });
  }
});
