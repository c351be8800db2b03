// The drop zone of the page /checks: runs the checks over files in this browser, and uploads nothing.
import { CheckPool } from "./checks.js";

const section = document.getElementById("try");
const input = section.querySelector("input");
const results = document.getElementById("results");
const trouble = document.getElementById("trouble");
const base = new URL(`${section.dataset.base}/`, location.href);
const language = document.documentElement.lang;

// checks.js starts a worker, whose address must be allowed.
window.trustedTypes?.createPolicy("default", {
  createScriptURL: (address) => (new URL(address, base).origin === location.origin ? address : null),
});

const say = (key, values = {}) => section.dataset[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

const number = (value, options) => new Intl.NumberFormat(language, options).format(value);
const seconds = (value) => say("saySeconds", { seconds: number(value, { maximumFractionDigits: 2 }) });

function size(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let at = 0;
  while (bytes >= 999.5 && at < units.length - 1) [bytes, at] = [bytes / 1000, at + 1];
  return number(bytes, { style: "unit", unit: units[at], unitDisplay: at ? "short" : "long", maximumSignificantDigits: 3 });
}

let loading = null; // a promise of the pool

async function loadPool() {
  const answer = await fetch(new URL("api/checks", base));
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return new CheckPool(await answer.json(), base);
}

function pool() {
  loading ??= loadPool();
  return loading;
}

// One file: its name, its state, and what each check said.
class Row {
  constructor(file) {
    this.file = file;
    this.item = element("li");
    const name = element("h3");
    name.append(element("bdi", file.name));
    this.state = element("p", say("sayWaiting"));
    this.state.setAttribute("role", "status");
    this.bar = document.createElement("progress");
    this.bar.setAttribute("aria-label", file.name);
    this.cancelling = new AbortController();
    this.button = element("button", say("sayCancel"), "button");
    this.button.type = "button";
    this.button.tabIndex = 0; // Safari skips it otherwise
    this.button.setAttribute("aria-label", say("sayCancelFile", { name: file.name }));
    this.button.onclick = () => this.cancelling.abort();
    this.item.append(name, this.state, this.bar, this.button);
  }

  async run() {
    try {
      const found = await (await pool()).check(this.file, {
        language,
        signal: this.cancelling.signal,
        onProgress: (check, share) => {
          this.state.textContent = say("sayRunning", { check });
          if (share) this.bar.value = share;
          else this.bar.removeAttribute("value");
        },
      });
      this.show(found);
    } catch (error) {
      if (error.name === "AbortError") this.end(say("sayCancelled"));
      else this.end(say("sayUnreadable", { reason: error.message }), "bad");
    }
  }

  end(sentence, className = "") {
    this.bar.remove();
    this.button.remove();
    this.state.textContent = sentence;
    this.state.className = className;
  }

  show({ verdict, file, output }) {
    this.end(...this.summary(verdict));
    const list = element("ul");
    for (const each of verdict.ran) list.append(this.outcome(each, verdict));
    if (verdict.ran.length) this.item.append(list);
    if (verdict.is_changed)
      this.item.append(element("p", say("sayChangedTo", { name: verdict.name, before: size(this.file.size), after: size(file.size) })));
    const notes = Object.entries(verdict.notes);
    if (notes.length) this.item.append(this.folded("sayNotes", notes.map(([name, value]) => `x-oss-meta-${name}: ${value}`).join("\n")));
    if (output) this.item.append(this.folded("sayOutput", output));
  }

  summary({ refusal, questions, ran }) {
    if (refusal) return [say("sayRefused"), "bad"];
    if (ran.some(({ outcome }) => outcome === "error")) return [say("sayAllowed"), "warn"];
    if (questions.length) return [say("sayAsked"), "warn"];
    return ran.length ? [say("sayAccepted"), "good"] : [say("sayNone")];
  }

  outcome({ check, outcome, says, seconds: took }, { refusal, questions }) {
    const item = element("li", "", outcome);
    const line = [refusal, ...questions].find((each) => each?.check === check)?.line;
    const words = [say(`sayOutcome${outcome[0].toUpperCase()}${outcome.slice(1)}`), line && say("sayLine", { line }), seconds(took)];
    item.append(element("strong", check), ` ${words.filter(Boolean).join(" · ")}`);
    if (says) {
      const said = element("p", says);
      said.dir = "auto"; // the language of checks.py
      item.append(said);
    }
    return item;
  }

  folded(key, text) {
    const made = element("details");
    const content = element("pre", text);
    content.dir = "ltr";
    content.tabIndex = 0;
    const summary = element("summary", say(key));
    summary.tabIndex = 0;
    made.append(summary, content);
    return made;
  }
}

async function check(files) {
  const rows = [...files].map((file) => new Row(file));
  results.prepend(...rows.map(({ item }) => item));
  try {
    await pool();
    trouble.hidden = true;
  } catch (error) {
    loading = null; // the next files try again
    trouble.textContent = say("sayUnavailable", { reason: error.message });
    trouble.hidden = false;
    for (const { item } of rows) item.remove();
    return;
  }
  for (const row of rows) row.run();
}

input.onchange = () => {
  check(input.files);
  input.value = ""; // the same file can be chosen again
};

// A file that misses the zone must not replace the page.
for (const type of ["dragover", "drop"]) window.addEventListener(type, (event) => event.preventDefault());
section.ondragover = () => section.classList.add("over");
section.ondragleave = () => section.classList.remove("over");
section.ondrop = (event) => {
  section.classList.remove("over");
  check(event.dataTransfer.files);
};
input.disabled = false;
window.addEventListener("pagehide", () => loading?.then((made) => made.close(), () => {}));
