// Requests to OSS with XMLHttpRequest, the only API that reports upload progress of a Blob, and to our server with
// fetch. All steps of a request are here, as each call from Python to JavaScript costs time. Replies go to callbacks,
// and no closure captures the headers, so that no promise or function keeps credentials (docs/threats.md).
"use strict";

{
  const CHECKS = 3; // in `patienceMs`
  const LEAST_BYTES = 4096; // that must be sent in `patienceMs`, or the connection counts as stalled
  const MOST_BYTES = 1 << 20; // read of a reply: four times a full list of parts

  function forEach(headers, take) {
    for (const line of headers.split("\n")) {
      const colon = line.indexOf(": "); // a RegExp would keep the header in RegExp.input
      take(line.slice(0, colon), line.slice(colon + 2));
    }
  }

  // Returns the body of a form whose file is in memory, as FormData would send it. FormData needs a Blob, and making one
  // blocks the page until another process of Chromium has answered.
  function encoded(fields, bytes, boundary) {
    const name = (text) => `--${boundary}\r\nContent-Disposition: form-data; name="${text}"`;
    const texts = Array.from(fields, ([field, value]) => `${name(field)}\r\n\r\n${value}\r\n`).join("");
    const file = `${name("file")}; filename="blob"\r\nContent-Type: application/octet-stream\r\n\r\n`;
    const [head, tail] = [texts + file, `\r\n--${boundary}--\r\n`].map((text) => new TextEncoder().encode(text));
    const whole = new Uint8Array(head.length + bytes.byteLength + tail.length);
    whole.set(head);
    whole.set(new Uint8Array(bytes), head.length);
    whole.set(tail, head.length + bytes.byteLength);
    return whole;
  }

  function opened(method, url) {
    const xhr = new XMLHttpRequest();
    xhr.open(method, url);
    return xhr;
  }

  // headers: one line `name: value` for each. isForm: the headers are fields of a form, and the body is its file. Browsers
  // send a form without a CORS preflight if progress is null.
  // progress: called with the number of bytes sent, as text; or null.
  // done: called with one string, which crosses to Python in one step: status, headers, an empty line and the body, with
  // CRLF as in HTTP. It is "stalled" if fewer than LEAST_BYTES were sent in patienceMs, and "" if the connection broke.
  // After the last byte the reply has patienceMs + heldMs: buffers of both ends may still hold bytes that were sent.
  // Returns { abort, giveUp }. After abort no callback is called; giveUp ends the request like a broken connection.
  self.ossferry.exchange = (method, url, headers, isForm, body, patienceMs, heldMs, progress, done) => {
    let xhr = opened(method, url);
    let form = isForm ? new FormData() : null;
    forEach(headers, (name, value) => (form ? form.append(name, value) : xhr.setRequestHeader(name, value)));
    const seen = Array(CHECKS).fill(0); // bytes sent at the latest checks
    let left = 0;
    let checks = 0;
    let still = 0; // checks in a row with too few bytes
    let stalled = false;
    const timer = setInterval(() => {
      still = checks >= CHECKS && left - seen[0] < LEAST_BYTES ? still + 1 : 0;
      stalled = still > (left < (body?.size ?? 0) ? 0 : (heldMs / patienceMs) * CHECKS);
      if (stalled) xhr.abort();
      checks += 1;
      seen.shift();
      seen.push(left);
    }, patienceMs / CHECKS);
    // Returns the request, and drops all references to it.
    const end = () => {
      const ended = xhr;
      xhr = null;
      clearInterval(timer);
      form = null;
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
    // Not called from Python directly: DevTools records the stack of each request, frame by frame.
    queueMicrotask(() => {
      if (!xhr) return; // aborted
      const given = body?.encrypted ?? body; // of an encrypted piece, `body` only holds the Blob until it is released
      const bytes = self.ossferry.bytesOf(given);
      if (form && bytes) {
        const boundary = self.ossferry.random(16);
        xhr.setRequestHeader("content-type", `multipart/form-data; boundary=${boundary}`);
        const whole = encoded(form, bytes, boundary);
        xhr.send(whole);
        whole.buffer.transfer?.(0);
      } else {
        form?.append("file", given); // must be the last field
        xhr.send(form ?? bytes ?? given);
      }
      form = null;
      bytes?.transfer?.(0); // frees the memory, as above: `send` has copied the bytes
    });
    return { abort: () => xhr && end().abort(), giveUp: () => xhr?.abort() };
  };

  // One request to our own server. token: sent as a bearer token unless it is empty. done: called with status,
  // Retry-After, Date and body, or with 0, "", "" and the error if no response came; not called after `forget`.
  self.ossferry.call = (method, url, body, token, patienceMs, done) => {
    const headers = {};
    if (body) headers["content-type"] = "application/json";
    if (token) headers.authorization = `Bearer ${token}`;
    const options = { method, headers, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(patienceMs) };
    if (body) options.body = body;
    const failed = (error) => [0, "", "", String(error)];
    answerOf(url, options).catch(failed).then((answer) => done?.(...answer));
    return { forget: () => (done = null) };
  };

  async function answerOf(url, options) {
    const answer = await fetch(url, options);
    const head = [answer.status, answer.headers.get("Retry-After") ?? "", answer.headers.get("Date") ?? ""];
    return [...head, await answer.text()];
  }
}
