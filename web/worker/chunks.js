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
