// Locks and messages between the pages of this origin: one page holds a name at a time. Web Locks end with their page;
// browsers without them use leases (`leases.js`).

const held = new Map(); // {name: function that releases it}
const turns = new Map(); // {name: promise of the latest operation}
const channel = new BroadcastChannel("ossferry");

export const tell = (text) => channel.postMessage(text);
export const listen = (handler) => void (channel.onmessage = ({ data }) => typeof data === "string" && handler(data));

export const take = (name) => inTurn(name, () => held.has(name) || get(name));
export const drop = (name) => inTurn(name, () => giveBack(name));

// Takes and drops names in this order; returns the results as text, separated by commas.
export const all = (requests) =>
  Promise.all(JSON.parse(requests).map(([operation, name]) => (operation === "take" ? take : drop)(name))).then(String);

// A shared lock, as several pages may check a name at the same time.
export const isFree = (name) =>
  navigator.locks
    ? navigator.locks.request(lockName(name), { mode: "shared", ifAvailable: true }, (got) => got !== null)
    : inTurn(name, () => leaseIsFree(name));

export async function free(name) {
  if (navigator.locks) return navigator.locks.request(lockName(name), { mode: "shared" }, () => {});
  while (!(await isFree(name))) await new Promise((done) => setTimeout(done, 2000));
}

// The names of other pages that begin with `start`, as JSON.
export async function heldElsewhere(start) {
  const names = navigator.locks
    ? (await navigator.locks.query()).held
        .filter(({ name }) => name.startsWith(LOCKS))
        .map(({ name }) => name.slice(LOCKS.length))
    : await (await import("./leases.js")).leased();
  return JSON.stringify(names.filter((name) => name.startsWith(start) && !held.has(name)));
}

async function leaseIsFree(name) {
  const release = held.has(name) ? null : await (await import("./leases.js")).lease(name);
  await release?.();
  return release !== null;
}

// Runs the operations on a name one after the other. Otherwise the second of two takes would be refused or would renew
// its lease for ever, and a drop could run before its take.
function inTurn(name, work) {
  const turn = (turns.get(name) ?? Promise.resolve()).then(work, work);
  turns.set(name, turn);
  const end = () => turns.get(name) === turn && turns.delete(name);
  turn.then(end, end);
  return turn;
}

async function get(name) {
  const release = navigator.locks ? await lock(name) : await (await import("./leases.js")).lease(name);
  if (release) held.set(name, release);
  return release !== null;
}

function giveBack(name) {
  const ended = held.get(name)?.();
  held.delete(name);
  return ended;
}

const LOCKS = "ossferry/";
const lockName = (name) => LOCKS + name;

function lock(name) {
  return new Promise((done, fail) => {
    const hold = (got) => (got ? new Promise(done) : done(null));
    navigator.locks.request(lockName(name), { ifAvailable: true }, hold).catch(fail);
  });
}

// A page in the back/forward cache releases its names, and takes them again when it is shown again.
let before = [];
addEventListener("pagehide", () => (before = [...held.keys()]).forEach(giveBack));
addEventListener("pageshow", ({ persisted }) => persisted && before.splice(0).forEach(take));
