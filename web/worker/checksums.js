// The way to the checksum worker (checksum_worker.js), which starts soon after the page, and to another for SHA-256, if asked.
"use strict";

{
  let count = 0;
  const MOST_HELD = 64;
  const held = new Map(); // small files whose bytes are here, from their reading until they are sent

  // The worker of these scripts; `unsent` is what it will be told.
  function checker(...scripts) {
    let worker = null;
    const unsent = [];
    const asked = new Map(); // number of the question: who waits for its answer, and the blob that it is about

    // No browser checks the script of a worker. So `fetch` does, by its hash (boot.js), and the worker runs these very bytes.
    async function start() {
      const code = await Promise.all(scripts.map(async (name) => (await fetch(window.ossferry.url(name))).blob()));
      const address = URL.createObjectURL(new Blob(code, { type: "text/javascript" }));
      const started = new Worker(address);
      started.onmessage = ({ data }) => {
        URL.revokeObjectURL(address);
        for (const [id, text, bytes] of data) {
          const question = asked.get(id);
          asked.delete(id);
          if (question && bytes) hold(question.blob, bytes);
          question?.done(text);
        }
      };
      started.onerror = ({ message }) => failed(message);
      return started;
    }

    function failed(why) {
      worker = null; // the next question starts a new one
      unsent.length = 0;
      for (const { done } of asked.values()) done(`!${why}`);
      asked.clear();
    }

    const notLoaded = () => failed("NetworkError: the checksum worker was not loaded");
    const started = () => (worker ??= start().catch(notLoaded));

    // What is asked in one turn goes together: a message for each costs more than its question.
    function tell(question) {
      if (unsent.push(question) === 1) queueMicrotask(async () => (await started())?.postMessage(unsent.splice(0)));
    }

    function ask(kind, blob, offset, size) {
      const id = ++count;
      const text = new Promise((done) => {
        asked.set(id, { done, blob });
        tell({ id, kind, blob, offset, size });
      });
      return { text, stop: () => asked.delete(id) && tell({ stop: id }) };
    }

    return { started, ask };
  }

  const [fast, sha256] = [checker("checksum_worker"), checker("checksum_worker", "sha256")];

  // Who is cancelled never comes for them: those that have waited longest are let go.
  function hold(blob, bytes) {
    held.set(blob, bytes);
    if (held.size > MOST_HELD) held.delete(held.keys().next().value);
  }

  window.ossferry.startChecksums = fast.started;

  // `text` resolves; if it begins with "!", it says why the blob could not be read. After `stop` it does
  // not, and nothing more is read.
  window.ossferry.checksum = (kind, ...piece) => (kind === "sha256" ? sha256 : fast).ask(kind, ...piece);

  // The bytes that a file's checksum was computed of, once, if they are here: it need not be opened again to be sent.
  window.ossferry.bytesOf = (blob) => {
    const bytes = held.get(blob);
    held.delete(blob);
    return bytes;
  };
}
