// The inner side of embed.js: messages to and from the page that embeds this one, and no other. The server's
// `frame-ancestors` limits who can embed it; with a wrong `embed` in the address no message arrives.

const outside = new URLSearchParams(location.search).get("embed");
// Whether the embedding site certainly is another site, so that browsers send no cookies here. Of two sites with the same
// last two labels, such as `a.co.uk` and `b.co.uk`, this is not known.
const site = ({ protocol, hostname }) => protocol + hostname.split(".").slice(-2).join(".");
export const isOfOtherSite = site(new URL(outside)) !== site(location);
const ANSWER_MS = 15000; // the embedding page may have to ask its own server for a token
const AGAIN_MS = 2000;

// What the server allows the embedding site: `counts`, `results`, or `none`.
async function askLevel() {
  for (;;) {
    const answer = await fetch(`api/embedding?origin=${encodeURIComponent(outside)}`).catch(() => null);
    if (answer?.ok) return (await answer.json()).level;
    await new Promise((done) => setTimeout(done, AGAIN_MS)); // the page waits for the server in the same way
  }
}
export const level = askLevel();

const send = (message) => parent.postMessage(message, outside);
export const tell = (message) => send(JSON.parse(message));

let waiting = [];
function answerAll(token) {
  const all = waiting;
  waiting = [];
  for (const done of all) done(token);
}

// Resolves to JSON: the person's token, "" if the embedding page has none although it should, or null if it gives none.
export async function token() {
  if ((await level) !== "results") return "null";
  const answer = new Promise((done) => waiting.push(done));
  if (waiting.length > 1) return answer;
  send({ ossferry: "token" });
  const timer = setTimeout(() => (answerAll('""'), fail("no-token", `getToken did not answer in ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  return answer.finally(() => clearTimeout(timer));
}

const fail = (code, message) => send({ ossferry: "error", value: { code, message } });

// CSS custom properties of the page that an embedding site can set.
const TOKENS = ["accent", "accent-ink", "accent-soft", "bg", "card", "ink", "soft", "line", "edge", "radius", "font"];
function dress(tokens) {
  const { style } = document.documentElement;
  for (const name of TOKENS) {
    if (tokens[name]) style.setProperty(`--${name}`, tokens[name]);
    else style.removeProperty(`--${name}`);
  }
  if (!tokens.accent) return;
  if (!tokens["accent-soft"]) style.setProperty("--accent-soft", "color-mix(in srgb, var(--accent) 12%, var(--card))");
  if (tokens["accent-ink"]) return;
  const [light, dark] = ["light", "dark"].map((scheme) => readableOn(tokens.accent, scheme));
  style.setProperty("--accent-ink", CSS.supports("color", "light-dark(red, red)") ? `light-dark(${light}, ${dark})` : light);
}

// Returns the colour for text on a background: white or black, whichever has the greater contrast (WCAG 2.2).
function readableOn(background, colorScheme) {
  const probe = document.body.appendChild(document.createElement("i"));
  Object.assign(probe.style, { colorScheme, color: background });
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = getComputedStyle(probe).color;
  probe.remove();
  canvas.fillRect(0, 0, 1, 1);
  const [red, green, blue] = [...canvas.getImageData(0, 0, 1, 1).data].map((level) => {
    const part = level / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

function take(files) {
  for (const { file, folders } of files) if (folders) file.folders = folders;
  window.ossferry.take(files.map(({ file }) => file));
}

// The options, as JSON. Only the origin in the address can give them, so nobody gets the level of another origin.
let latest;
let resolve;
let receive = (command, text) => command === "options" && resolve((latest = text));
const given = new Promise((done) => (resolve = done));
export const options = () => given.then(() => latest);

addEventListener("message", async ({ source, origin, data }) => {
  if (source !== parent || origin !== outside || typeof data?.ossferry !== "string") return;
  const { ossferry: command, value } = data;
  if (command === "token") return answerAll(JSON.stringify(value === null ? null : String(value)));
  if (command === "files") {
    if ((await level) === "results") take(value);
    return send({ ossferry: "taken" });
  }
  if (command === "options") dress(JSON.parse(value).tokens ?? {});
  receive(command, String(value ?? ""));
});
send({ ossferry: "hello" });

// Calls handler(command, text) for each later command; JavaScript handles files, tokens and colours itself.
export function start(handler) {
  receive = handler;
  const main = document.getElementById("main");
  const showHeight = () => send({ ossferry: "height", value: Math.ceil(main.scrollHeight) });
  new ResizeObserver(showHeight).observe(main);
}
