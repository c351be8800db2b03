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
