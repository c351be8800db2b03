// The page's side of the checksum worker (checksum_worker.js), which starts soon after the page. A second worker, for
// SHA-256, starts when it is first needed.
"use strict";

{
  let count = 0;
  const MOST_HELD = 64;
  const held = new Map(); // {small file: its bytes}, from its reading until it is sent
  const SWEPT = 2 ** 26; // bytes of freed Blobs between two large garbage collections
  let unswept = 0;

  // Browsers keep the bytes of a freed Blob until its object is collected. So this starts a large garbage collection from
  // time to time, as `sweep` in checksum_worker.js.
  function free(reading) {
    unswept += reading.encrypted?.size ?? 0;
    reading.encrypted = null;
    if (unswept < SWEPT) return;
    unswept = 0;
    new ArrayBuffer(96 << 20).transfer?.(0);
  }

  // A worker that runs these scripts.
  function checker(...scripts) {
    let worker = null;
    const unsent = []; // questions of the next message
    const pending = new Map(); // {id of the question: { done, blob, reading }}

    // Browsers do not check the hash of a worker's script. `fetch` does (boot.js); the worker runs the fetched bytes.
    async function start() {
      const code = await Promise.all(scripts.map(async (name) => (await fetch(self.ossferry.url(name))).blob()));
      const address = URL.createObjectURL(new Blob(code, { type: "text/javascript" }));
      const started = new Worker(address);
      started.onmessage = ({ data }) => {
        URL.revokeObjectURL(address);
        for (const [id, text, content] of data) {
          const question = pending.get(id);
          pending.delete(id);
          if (question && content instanceof Blob) question.reading.encrypted = content;
          else if (question && content) hold(question.blob, content);
          question?.done(text);
        }
      };
      started.onerror = ({ message }) => failed(message);
      return started;
    }

    function failed(why) {
      worker = null; // the next question starts a new worker
      unsent.length = 0;
      for (const { done } of pending.values()) done(`!${why}`);
      pending.clear();
    }

    const notLoaded = () => failed("NetworkError: the checksum worker was not loaded");
    const started = () => (worker ??= start().catch(notLoaded));

    // Questions asked in the same task are sent as one message: a message costs more time than a question.
    function tell(question) {
      if (unsent.push(question) === 1) queueMicrotask(async () => (await started())?.postMessage(unsent.splice(0)));
    }

    function ask(kind, blob, offset, size, cipher) {
      const id = ++count;
      const reading = { size, encrypted: null, free: () => free(reading) };
      reading.stop = () => pending.delete(id) && tell({ stop: id });
      reading.text = new Promise((done) => {
        pending.set(id, { done, blob, reading });
        tell({ id, kind, blob, offset, size, cipher });
      });
      return reading;
    }

    return { started, ask };
  }

  const [fast, sha256] = [checker("checksum_worker"), checker("checksum_worker", "sha256")];

  // Bytes of a cancelled upload are never fetched: beyond MOST_HELD files, the oldest are dropped.
  function hold(blob, bytes) {
    held.set(blob, bytes);
    if (held.size > MOST_HELD) held.delete(held.keys().next().value);
  }

  self.ossferry.startChecksums = fast.started;

  // Returns { text, stop }. `text` is a promise of the result, or of "!" and the reason if the blob cannot be read.
  // After `stop` it never settles, and nothing more is read.
  self.ossferry.checksum = (kind, ...piece) => (kind === "sha256" ? sha256 : fast).ask(kind, ...piece);

  // Like `checksum`, for "encrypt" and "encrypted-crc64": `text` is the CRC-64 of the encrypted bytes. After "encrypt",
  // `encrypted` is a Blob of them until `free` is called. key, counter: hex digits.
  self.ossferry.encrypt = (kind, blob, size, key, counter) => {
    held.delete(blob); // its bytes as they are will not be sent
    return fast.ask(kind, blob, 0, size, { key, counter });
  };

  // Returns the bytes of a small file from its checksum, at most once: sending them needs no second reading.
  self.ossferry.bytesOf = (blob) => {
    const bytes = held.get(blob);
    held.delete(blob);
    return bytes;
  };
}
