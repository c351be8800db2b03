// The page's side of the checks: starts checks_worker.js, gives each worker one file at a time, and ends a worker whose
// check takes too long, crashes or is cancelled.

import { newOutput } from "../storage/outputs.js";

const MANY_CORES = 4; // then two workers run
const MUCH_MEMORY = 4; // GB
const LARGE_HEAP = 256 << 20; // bytes; WASM memory never shrinks, so that a larger worker is replaced
const RETRY_MS = 30_000; // after a failed start
const START_MS = 120_000; // loading Pyodide over a slow line
const START_AFTER_MS = 1000; // so that the first files, which may need no check, have the processor and the line
const IDLE_MS = 2000;
const ANSWER_MS = 10_000; // a browser may end an idle worker, and says nothing
const MAX_TIMER_MS = 2 ** 31 - 1; // a longer timer ends at once

const most = () => (navigator.hardwareConcurrency >= MANY_CORES && (navigator.deviceMemory ?? MUCH_MEMORY) >= MUCH_MEMORY ? 2 : 1);

// One worker. `ready` is rejected if it cannot start. `more` says what a worker that repairs a table needs.
class CheckWorker {
  constructor(config, base, more = {}) {
    this.worker = new Worker(new URL(config.files.worker, base), { type: "module" });
    this.ready = new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error(`no answer after ${START_MS / 1000} s`)), START_MS);
      this.worker.onmessage = ({ data }) => {
        clearTimeout(timer);
        if (data.ready) done();
        else fail(new Error(data.failed));
      };
      this.worker.onerror = (event) => {
        event.preventDefault();
        clearTimeout(timer);
        fail(new Error(event.message || "the script was not loaded"));
      };
    });
    this.ready.catch(() => {});
    this.worker.postMessage({ start: { config, base: String(base), ...more } });
  }

  // Resolves to the last message about a file: {verdict, file, heap}, or {failed, detail, check} with the check that
  // ran; `failed` is "crashed", "timeout" or "cancelled".
  run(id, file, about, { onProgress, signal }) {
    return new Promise((done) => {
      let check = "";
      let timer = setTimeout(() => end({ failed: "crashed", detail: "the worker does not answer", check }), ANSWER_MS);
      const end = (answer) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", cancel);
        done(answer);
      };
      const cancel = () => end({ failed: "cancelled", check });
      signal?.addEventListener("abort", cancel);
      this.worker.onerror = (event) => {
        event.preventDefault();
        end({ failed: "crashed", detail: event.message ?? "", check });
      };
      this.worker.onmessage = ({ data }) => {
        if (data.id !== id) return; // of an earlier file
        if (data.began) clearTimeout(timer);
        else if (data.check) {
          check = data.check;
          clearTimeout(timer);
          timer = setTimeout(() => end({ failed: "timeout", detail: Math.round(data.limit), check }), Math.min(data.limit * 1000, MAX_TIMER_MS));
          onProgress?.(check, 0);
        } else if (data.share !== undefined) onProgress?.(check, data.share);
        else if (data.failed) end({ failed: "crashed", detail: data.failed, check });
        else end(data);
      };
      this.worker.postMessage({ check: { id, file, about } });
    });
  }

  close() {
    this.worker.terminate();
  }
}

export class CheckPool {
  #waiting = []; // jobs
  #idle = []; // workers
  #count = 0; // workers that exist
  #starting = 0; // of these, the ones that are not ready
  #id = 0;
  #failure = null; // of the last start: { error, until }

  // `config` is the JSON of `GET /api/checks`; its addresses are relative to `base`.
  constructor(config, base) {
    this.config = config;
    this.base = base;
  }

  // Starts the first worker, so that the first file does not wait for it.
  warm() {
    if (!this.#count) this.#start();
  }

  // Resolves to {verdict, file}: `verdict` is that of `ossferry_checks.runner`, and `file` is the File to upload. Rejects with
  // an AbortError after `signal`, and with a NotReadableError if the file cannot be read.
  async check(file, { name = file.name, language = "en", keepOriginal = false, onProgress, signal } = {}) {
    const about = { name, type: file.type, language, keep_original: keepOriginal, failed: {} };
    let isFirst = true;
    for (;;) {
      signal?.throwIfAborted();
      const answer = await new Promise((done) => {
        const job = { file, about, onProgress, signal, done };
        this.#waiting.push(job);
        signal?.addEventListener("abort", () => this.#drop(job));
        this.#next();
      });
      if (answer.failed === "cancelled") throw new DOMException("cancelled", "AbortError");
      const isBad = answer.failed || answer.verdict.ran.some(({ outcome }) => ["error", "rejected"].includes(outcome));
      if (isBad) await readable(file);
      if (!answer.failed) return { verdict: answer.verdict, file: answer.file ?? file };
      if (answer.failed === "crashed" && !answer.check && isFirst) {
        isFirst = false; // a check of an earlier file may have broken the worker: another worker tries it
        continue;
      }
      if (this.config.on_error === "reject" || !answer.check || answer.check in about.failed) return this.#withoutChecks(file, about, answer);
      about.failed[answer.check] = { reason: answer.failed, detail: String(answer.detail ?? "") };
    }
  }

  #drop(job) {
    const index = this.#waiting.indexOf(job);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    job.done({ failed: "cancelled" });
  }

  async #start() {
    this.#count += 1;
    this.#starting += 1;
    const worker = new CheckWorker(this.config, this.base);
    try {
      await worker.ready.finally(() => (this.#starting -= 1));
      this.#failure = null;
      this.#idle.push(worker);
      this.#next();
    } catch (error) {
      worker.close();
      this.#count -= 1;
      this.#failure = { detail: error.message, until: performance.now() + RETRY_MS };
      if (!this.#count) for (const job of this.#waiting.splice(0)) job.done({ failed: "start", detail: error.message });
    }
  }

  #next() {
    while (this.#waiting.length && this.#idle.length) this.#run(this.#idle.pop(), this.#waiting.shift());
    if (this.#waiting.length <= this.#starting || this.#count >= most()) return;
    const { detail, until = 0 } = this.#failure ?? {};
    if (performance.now() >= until) this.#start();
    else if (!this.#count) for (const job of this.#waiting.splice(0)) job.done({ failed: "start", detail });
  }

  async #run(worker, { file, about, onProgress, signal, done }) {
    const answer = await worker.run(++this.#id, file, about, { onProgress, signal });
    if (answer.failed || answer.heap > LARGE_HEAP) {
      worker.close();
      this.#count -= 1;
      this.#start();
    } else this.#idle.push(worker);
    done(answer);
    this.#next();
  }

  // The verdict if a check has ended the worker, or if no check could run.
  #withoutChecks(file, { name, language }, { failed, detail, check }) {
    const said = this.config.said[language] ?? this.config.said.en;
    const reason = said[check ? failed : "start"].replace("{detail}", () => detail);
    const refusal = this.config.on_error === "reject" ? { check: check ?? "", reason, line: null, is_error: true } : null;
    const ran = [{ check: check || "checks", outcome: "error", says: reason, seconds: 0 }];
    const verdict = { name, type: file.type, is_changed: false, refusal, questions: [], notes: {}, details: {}, ran };
    return { verdict, file };
  }
}

// Repairs a table in a worker of its own, which `ossferry_checks.tables` runs in.
class Repair {
  #file;
  #about;
  #worker;
  #output;
  #id = 0;
  #fail;
  #silence; // of a command without progress, in milliseconds; the check of tables may take as long for a small file

  constructor(config, base, file, about) {
    this.#silence = config.checks.find(({ name }) => name === "table").max_seconds * 1000;
    this.#file = file;
    this.#about = about;
    this.ready = newOutput().then((output) => {
      this.#output = output;
      this.#worker = new CheckWorker(config, base, { repairs: true, outputName: output?.name ?? "" });
      return this.#worker.ready;
    });
    this.ready.catch(() => {});
  }

  // Resolves to the result of a command as JSON. Rejects if the worker has ended.
  async call(command, given, onProgress) {
    const { result } = await this.#send(command, given, onProgress);
    return result;
  }

  // Resolves to {file, changes}: the repaired table and the list of changes as a File each.
  async take(name) {
    const { blob, changes } = await this.#send("take", "null");
    const written = blob ?? (await this.#output.handle.getFile());
    const [file, list] = [[written, name], [changes, `${name}.changes.csv`]].map(([blob, text]) => new File([blob], text, { type: "text/csv" }));
    return { file, changes: list };
  }

  async #send(command, given, onProgress) {
    await this.ready;
    const id = ++this.#id;
    let timer;
    return new Promise((done, fail) => {
      const wait = (most) => {
        clearTimeout(timer);
        timer = setTimeout(() => fail(new Error("the worker does not answer")), most);
      };
      this.#fail = fail;
      wait(ANSWER_MS);
      this.#worker.worker.onmessage = ({ data }) => {
        if (data.id !== id) return;
        wait(this.#silence);
        if (data.began) return;
        if (data.share !== undefined) onProgress?.(data.share);
        else if (data.failed) fail(new Error(data.failed));
        else done(data);
      };
      this.#worker.worker.onerror = (event) => {
        event.preventDefault();
        fail(new Error(event.message ?? ""));
      };
      const [file, about] = id === 1 ? [this.#file, this.#about] : [];
      this.#worker.worker.postMessage({ call: { id, file, about, command, given } });
    }).finally(() => clearTimeout(timer));
  }

  // Ends the worker, and a command that runs.
  close() {
    this.#worker?.close();
    this.ready.then(() => this.#worker.close(), () => {}); // if the worker did not exist yet
    this.#fail?.(new DOMException("closed", "AbortError"));
  }
}

// Rejects with the error of the browser if a file has vanished.
async function readable(file) {
  if (file.size) await file.slice(file.size - 1).arrayBuffer();
}

// Texts that the browser keeps, for Python: MicroPython cannot catch the error of a browser that keeps none, or is full.
export function readText(name) {
  try {
    return localStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

// An empty text is removed. Returns whether there was room.
export function writeText(name, text) {
  try {
    if (text) localStorage.setItem(name, text);
    else localStorage.removeItem(name);
    return true;
  } catch {
    return false;
  }
}

// For Python, whose numbers, texts and functions can cross.
class PagePool extends CheckPool {
  // Returns { answer, stop }. `answer` resolves to { verdict: JSON, changed: the new File or null }.
  start(file, name, language, keepOriginal, onProgress) {
    const stopped = new AbortController();
    const checked = this.check(file, { name, language, keepOriginal, onProgress, signal: stopped.signal });
    const answer = checked.then(({ verdict, file: made }) => ({ verdict: JSON.stringify(verdict), changed: verdict.is_changed ? made : null }));
    return { answer, stop: () => stopped.abort() };
  }

  repair(file, name, language) {
    return new Repair(this.config, this.base, file, { name, type: file.type, language });
  }
}

// The first worker starts when a file needs it; otherwise a second later, while the page is idle, unless the person saves
// data.
const whenIdle = self.requestIdleCallback ?? ((run) => setTimeout(run, IDLE_MS));
export function makePool(config) {
  const pool = new PagePool(JSON.parse(config), document.baseURI);
  const warm = () => whenIdle(() => pool.warm(), { timeout: IDLE_MS });
  if (!navigator.connection?.saveData) setTimeout(warm, START_AFTER_MS);
  return pool;
}
