// The element <oss-ferry>, which shows the uploader in a frame. See docs/embedding.md.
//   <script type="module" src="https://uploads.example/embed.js"></script>
//   <oss-ferry name="files" required></oss-ferry>
"use strict";

const HERE = import.meta.url; // bundlers replace `new URL(".", import.meta.url)`

const list = (text) => text.split(",").map((type) => type.trim()).filter(Boolean);
const count = (text, name) => {
  if (!/^[0-9]+$/.test(text)) throw new TypeError(`${name} must be a number, not "${text}"`);
  return Number(text);
};
const json = (text, name) => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TypeError(`${name} must be JSON: ${error.message}`, { cause: error });
  }
};
const text = (given) => given;
// {attribute: function from text to the value of the option}
const OPTIONS = {
  lang: text,
  theme: text,
  accept: list,
  "crop-ratio": text,
  "max-files": count,
  "max-file-size": count,
  "max-total-size": count,
  "min-files": count,
  "min-file-size": count,
  folder: text,
  metadata: json,
  reference: text,
  tags: json,
  "storage-class": text,
  "same-name": text,
  sha256: () => true,
  manual: () => true,
};
const FRAME = ["server", "label"]; // these attributes belong to the frame
const FORM = ["name", "required"]; // and these to the form
const TOKENS = ["accent", "accent-ink", "accent-soft", "bg", "card", "ink", "soft", "line", "edge", "radius", "font"];
const HELLO_MS = 10000;
const PROBE_MS = 5000;
const STYLE = [
  ":host { display: block; }",
  ":host([hidden]) { display: none; }",
  "iframe { inline-size: 100%; block-size: 460px; border: 0; }",
  ":host(:disabled) iframe { opacity: 0.5; pointer-events: none; }",
  "p { margin: 0; padding: 12px 16px; border: 1px solid; border-radius: var(--ossferry-radius, 14px); overflow-wrap: anywhere; }",
  "p { font-family: var(--ossferry-font, inherit); }",
].join(" ");

function parsed(address) {
  try {
    return new URL(address, location.href);
  } catch {
    return null; // the caller tells the site
  }
}

// An event named `error` must not bubble: at the window it would count as an error of a script.
const event = (name, detail) => new CustomEvent(name, { detail });

// The class exists without a browser too, so that servers that render pages can import it.
export class OssFerry extends (globalThis.HTMLElement ?? Object) {
  static formAssociated = true;
  static observedAttributes = [...FRAME, ...FORM, ...Object.keys(OPTIONS)];

  #internals = this.attachInternals();
  #shadow = this.attachShadow({ mode: "open", delegatesFocus: true });
  #frame = null;
  #server = "";
  #isLoaded = false;
  #isReady = false;
  #waiting = []; // messages for a frame that is not ready
  #stored = new Map(); // key: result
  #running = 0;
  #given = 0; // calls of `addFiles` whose files the page does not have yet
  #isAdding = false; // the page has files that are not in its list yet
  #problem = ""; // why there is no uploader
  #timer = 0;
  #texts = {}; // sentences of the page, in its language
  #listener = (message) => this.#receive(message);
  #blocked = ({ blockedURI, disposition, effectiveDirective: name }) => {
    if (disposition !== "enforce" || !/^(frame|child|default)-src$/.test(name)) return;
    if (!this.#frame || this.#isLoaded || this.#problem || parsed(blockedURI)?.origin !== this.#server) return;
    this.#explain(`the Content-Security-Policy of this page must allow ${this.#server} in frame-src`);
  };
  #isConnected = false;
  #isChanged = false;
  #getToken = null;

  constructor() {
    super();
    if (!Object.hasOwn(this, "getToken")) return;
    const { getToken } = this; // it was set before this script ran, and would hide the accessor
    delete this.getToken;
    this.getToken = getToken;
  }

  // A function that returns the person's token, or a promise of the token. It is called before each request to the
  // upload server.
  get getToken() {
    return this.#getToken;
  }

  set getToken(getToken) {
    this.#getToken = getToken ?? null;
    this.refresh();
  }

  connectedCallback() {
    if (!this.#shadow.firstChild) {
      const style = new CSSStyleSheet();
      style.replaceSync(STYLE);
      this.#shadow.adoptedStyleSheets = [style];
    }
    addEventListener("message", this.#listener);
    document.addEventListener("securitypolicyviolation", this.#blocked);
    this.#isConnected = true;
    this.#open();
  }

  disconnectedCallback() {
    this.#isConnected = false;
    removeEventListener("message", this.#listener);
    document.removeEventListener("securitypolicyviolation", this.#blocked);
    this.#close();
  }

  attributeChangedCallback(name, old, value) {
    if (old === value || !this.#isConnected) return;
    if (name === "server") {
      this.#close();
      this.#open();
    } else if (FORM.includes(name)) this.#update();
    else if (!this.#frame) return;
    else if (name === "label") this.#frame.title = value ?? "Upload files";
    else if (!this.#isChanged) {
      this.#isChanged = true; // attributes that change together become one message
      queueMicrotask(() => {
        this.#isChanged = false;
        this.refresh();
      });
    }
  }

  // Sends the options and the theme's CSS custom properties to the page again; call it after a change of a style sheet.
  refresh() {
    if (this.#isLoaded) this.#post("options", JSON.stringify(this.#options())); // else the page will ask
  }

  // Adds files, as if a person had chosen them. Needs the level `results`.
  addFiles(files) {
    const given = [...files];
    const strange = given.find((file) => !(file instanceof File));
    if (strange !== undefined) throw new TypeError(`addFiles takes File objects, not ${strange}`);
    if (!given.length) return;
    const folders = ({ webkitRelativePath: path = "" }) => path.slice(0, Math.max(0, path.lastIndexOf("/")));
    this.#given += 1;
    this.#update(); // a form that is sent at once must not lose them
    this.#tell("files", given.map((file) => ({ file, folders: folders(file) })));
  }

  // Starts files that wait because of `manual`, and continues paused uploads.
  start() {
    this.#tell("resume");
  }

  pause() {
    this.#tell("pause");
  }

  // Starts failed uploads again.
  retry() {
    this.#tell("retry");
  }

  // Cancels the uploads that have not ended, and empties the list and the form value. The objects remain in OSS.
  clear() {
    this.#stored.clear();
    const waiting = this.#waiting.filter(([command]) => command !== "files");
    this.#given -= this.#waiting.length - waiting.length;
    this.#waiting = waiting;
    this.#update();
    this.#tell("empty");
  }

  // The results of the uploads in the list, in the order in which they ended. Empty with the level `counts`.
  get uploads() {
    return [...this.#stored.values()];
  }

  get value() {
    return [...this.#stored.keys()];
  }

  get name() {
    return this.getAttribute("name") ?? "";
  }

  set name(name) {
    this.setAttribute("name", name);
  }

  get type() {
    return "oss-ferry";
  }

  get form() {
    return this.#internals.form;
  }

  get labels() {
    return this.#internals.labels;
  }

  get validity() {
    return this.#internals.validity;
  }

  get validationMessage() {
    return this.#internals.validationMessage;
  }

  get willValidate() {
    return this.#internals.willValidate;
  }

  checkValidity() {
    return this.#internals.checkValidity();
  }

  reportValidity() {
    return this.#internals.reportValidity();
  }

  formResetCallback() {
    this.clear();
  }

  formDisabledCallback(isDisabled) {
    if (this.#frame) this.#frame.inert = isDisabled;
  }

  #open() {
    const given = this.getAttribute("server");
    const server = given ?? (HERE && new URL(".", HERE).href);
    if (!server) return this.#explain("the attribute server is missing", "bad-options");
    const address = /^(https?:|\/)/.test(server) ? parsed(server) : null;
    if (!address) return this.#explain(`server must be an address with https, not "${given}"`, "bad-options");
    if (!address.pathname.endsWith("/")) address.pathname += "/";
    this.#server = address.origin;
    address.search = new URLSearchParams({ embed: location.origin, ...(this.lang && { lang: this.lang }) });
    const frame = document.createElement("iframe");
    frame.title = this.getAttribute("label") ?? "Upload files";
    frame.allow = "clipboard-write; screen-wake-lock";
    frame.inert = this.matches(":disabled");
    frame.src = address.href;
    this.#frame = frame;
    this.#shadow.replaceChildren(frame);
    this.#timer = setTimeout(() => this.#probe(address), HELLO_MS);
    this.#update();
  }

  // Explains why no page has answered in the frame, as far as this page can know.
  async #probe({ href }) {
    const frame = this.#frame;
    const url = new URL(`api/embedding?origin=${encodeURIComponent(location.origin)}`, href);
    const signal = AbortSignal.timeout?.(PROBE_MS); // old browsers wait longer
    const reply = fetch(url, { credentials: "omit", signal }).then((answer) => answer.json());
    const level = await reply.then((answer) => answer.level, () => "");
    if (frame !== this.#frame || this.#isLoaded || this.#problem) return;
    let reason = `no upload server answers at ${url.origin}: it is down, the attribute server is wrong, or the`
      + " Content-Security-Policy of this page does not allow the address in frame-src and connect-src";
    if (level === "none") reason = `OSSFERRY_FRAME_ORIGINS of the upload server does not list ${location.origin}`;
    else if (level) {
      reason = "the upload server allows this site, but the browser has not loaded the frame: this page may have the"
        + " header Cross-Origin-Embedder-Policy, or an extension blocks frames";
    }
    this.#explain(reason);
  }

  // Shows and reports why there is no uploader.
  #explain(reason, code = "not-loaded") {
    this.#problem = `The uploader was not loaded: ${reason}.`;
    const box = document.createElement("p");
    box.textContent = this.#problem;
    box.setAttribute("role", "alert");
    box.tabIndex = -1; // browsers report an invalid field only if it can have the focus
    this.#shadow.append(box);
    if (this.#frame) this.#frame.hidden = true;
    this.#update();
    this.#fail({ code, message: reason });
  }

  #close() {
    this.#shadow.replaceChildren();
    this.#frame = null;
    this.#waiting = [];
    this.#forget();
  }

  // Forgets what the page has told: a new page has an empty list.
  #forget() {
    const keys = this.value;
    clearTimeout(this.#timer);
    this.#isLoaded = this.#isReady = this.#isAdding = false;
    this.#running = 0;
    this.#given = this.#waiting.filter(([command]) => command === "files").length;
    this.#problem = "";
    this.#shadow.querySelector("p")?.remove();
    this.#stored.clear();
    this.#update();
    if (keys.length) this.dispatchEvent(event("removed", { keys }));
  }

  // Returns the options, or with a wrong attribute the error, which the page shows and reports.
  #options() {
    const options = { by_token: Boolean(this.getToken) };
    try {
      for (const [name, read] of Object.entries(OPTIONS)) {
        const given = this.getAttribute(name);
        if (given !== null) options[name] = read(given, name);
      }
    } catch (error) {
      return { invalid: error.message };
    }
    const style = getComputedStyle(this);
    const tokens = TOKENS.map((name) => [name, style.getPropertyValue(`--ossferry-${name}`).trim()]);
    options.tokens = Object.fromEntries(tokens.filter(([, value]) => value));
    return options;
  }

  #tell(command, value) {
    if (this.#isReady) this.#post(command, value);
    else this.#waiting.push([command, value]);
  }

  #post(command, value) {
    this.#frame?.contentWindow.postMessage({ ossferry: command, value }, this.#server);
  }

  async #giveToken() {
    if (!this.getToken) return this.#post("token", null);
    let token = "";
    try {
      token = String((await this.getToken()) ?? "");
      if (!/^[!-~]+$/.test(token)) throw new TypeError("it must return a text of printable ASCII");
    } catch (error) {
      token = "";
      this.#fail({ code: "no-token", message: `getToken failed: ${error?.message ?? error}` });
    }
    this.#post("token", token);
  }

  #fail(detail) {
    if (!detail.name) console.error(`oss-ferry: ${detail.message}`); // not an error of one file
    this.dispatchEvent(event("error", detail));
  }

  #receive({ source, origin, data }) {
    if (!this.#frame || source !== this.#frame.contentWindow || origin !== this.#server) return;
    const { ossferry: kind, value } = data ?? {};
    if (kind === "hello") {
      this.#forget(); // the page may have been loaded again
      this.#frame.hidden = false;
      this.#isLoaded = true;
      this.refresh();
    } else if (kind === "height") this.#frame.style.blockSize = `${value}px`;
    else if (kind === "token") this.#giveToken();
    else if (kind === "texts") this.#texts = value;
    else if (kind === "error") this.#fail(value);
    else if (kind === "removed") for (const key of value.keys) this.#stored.delete(key);
    else if (kind === "upload") this.#stored.set(value.key, value);
    else if (kind === "progress") this.#running = value.running;
    else if (kind === "taken") this.#given -= 1;
    else if (kind === "adding") this.#isAdding = value;
    else if (kind === "ready") {
      this.#isReady = true;
      for (const message of this.#waiting.splice(0)) this.#tell(...message);
    }
    if (["texts", "removed", "upload", "progress", "taken", "adding"].includes(kind)) this.#update();
    if (["ready", "upload", "progress", "done", "removed"].includes(kind)) this.dispatchEvent(event(kind, value));
  }

  // Sets the value and the validity of the form field.
  #update() {
    const value = new FormData();
    if (this.name) for (const key of this.#stored.keys()) value.append(this.name, key);
    this.#internals.setFormValue(value);
    const anchor = this.#shadow.querySelector("p") ?? this.#frame ?? undefined;
    if (this.#running || this.#given || this.#isAdding) {
      const message = this.#texts.form_running ?? "Please wait until all files are uploaded.";
      this.#internals.setValidity({ customError: true }, this.#problem || message, anchor);
    } else if (this.hasAttribute("required") && !this.#stored.size) {
      const message = this.#texts.form_required ?? "Please upload a file.";
      this.#internals.setValidity({ valueMissing: true }, this.#problem || message, anchor);
    } else this.#internals.setValidity({});
  }
}

if (globalThis.customElements && !customElements.get("oss-ferry")) customElements.define("oss-ferry", OssFerry);
