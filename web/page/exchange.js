// One request to OSS with XMLHttpRequest, the one way that reports upload progress of a Blob. All its small steps are
// taken here: each would cost Python a call across the border. The answer goes to a callback and the headers into no
// closure, so that no promise and no function keeps credentials (docs/threats.md).
"use strict";

{
  const CHECKS = 3; // in the time that patience lasts
  const LEAST_BYTES = 4096; // that have to move in it: less is a line that is dead, or as good as
  const MOST_BYTES = 1 << 20; // of an answer, four times a full list of parts: the rest is not waited for

  function opened(method, url, headers) {
    const xhr = new XMLHttpRequest();
    xhr.open(method, url);
    for (const line of headers.split("\n")) {
      const colon = line.indexOf(": "); // a RegExp would keep the line in RegExp.input
      xhr.setRequestHeader(line.slice(0, colon), line.slice(colon + 2));
    }
    return xhr;
  }

  // `headers` is a line `name: value` each; `progress` gets the bytes of the body that have left, as text, or is null.
  // `done` gets one text, as that crosses to Python at once: status, headers, an empty line and the text, ended by
  // CRLF as in HTTP; "" if none came, or "stalled". After the last byte it is the answer that has to come in time, and
  // `heldMs` more: bytes that have left may wait in the systems of both ends. After `abort` nothing is called any
  // more; `giveUp` ends the request as if the line had gone.
  window.ossferry.exchange = (method, url, headers, body, patienceMs, heldMs, progress, done) => {
    let xhr = opened(method, url, headers);
    const seen = Array(CHECKS).fill(0); // what had left at the latest checks
    let left = 0;
    let checks = 0;
    let still = 0; // checks since when too little has moved
    let stalled = false;
    const timer = setInterval(() => {
      still = checks >= CHECKS && left - seen[0] < LEAST_BYTES ? still + 1 : 0;
      stalled = still > (left < (body?.size ?? 0) ? 0 : (heldMs / patienceMs) * CHECKS);
      if (stalled) xhr.abort();
      checks += 1;
      seen.shift();
      seen.push(left);
    }, patienceMs / CHECKS);
    // Returns the request that has ended: nothing here holds it any more.
    const end = () => {
      const ended = xhr;
      xhr = null;
      clearInterval(timer);
      ended.onload = ended.onprogress = ended.onerror = ended.onabort = ended.ontimeout = null;
      if (progress) ended.upload.onprogress = null;
      return ended;
    };
    const read = () => {
      const ended = end();
      done(`${ended.status}\r\n${ended.getAllResponseHeaders()}\r\n${ended.responseText.slice(0, MOST_BYTES)}`);
      return ended;
    };
    xhr.onload = read;
    xhr.onprogress = ({ loaded }) => loaded > MOST_BYTES && read().abort();
    xhr.onerror = xhr.onabort = xhr.ontimeout = () => (end(), done(stalled ? "stalled" : ""));
    if (progress) xhr.upload.onprogress = ({ loaded }) => progress(String((left = loaded)));
    // not below Python: DevTools takes down who sends, frame by frame
    queueMicrotask(() => {
      if (!xhr) return; // it is over
      const bytes = window.ossferry.bytesOf(body);
      xhr.send(bytes ?? body);
      bytes?.transfer?.(0); // it has been copied
    });
    return { abort: () => xhr && end().abort(), giveUp: () => xhr?.abort() };
  };
}
// One request to our own server, with `fetch`; the answer goes to a callback too.
{
  // `done` gets the status, the headers Retry-After and Date, and the text; or 0, "", "" and why no answer came.
  // Nothing is called after `forget`.
  window.ossferry.call = (method, path, body, patienceMs, done) => {
    const options = { method, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(patienceMs) };
    if (body) Object.assign(options, { body, headers: { "content-type": "application/json" } });
    const failed = (error) => [0, "", "", String(error)];
    answerOf(path, options).catch(failed).then((found) => done?.(...found));
    return { forget: () => (done = null) };
  };

  async function answerOf(path, options) {
    const answer = await fetch(path, options);
    const head = [answer.status, answer.headers.get("Retry-After") ?? "", answer.headers.get("Date") ?? ""];
    return [...head, await answer.text()];
  }
}
