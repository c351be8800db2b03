// The other pages of this origin: one of them has a name at a time, and each hears what the others tell.
// Web Locks end with their page by themselves; where they are missing, leases stand in (`leases.js`).

const held = new Map(); // name: how to give it back
const turns = new Map(); // name: the latest of what is asked about it
const channel = new BroadcastChannel("ossferry");

export const tell = (text) => channel.postMessage(text);
export const listen = (handler) => void (channel.onmessage = ({ data }) => typeof data === "string" && handler(data));

export const take = (name) => inTurn(name, () => held.has(name) || get(name));
export const drop = (name) => inTurn(name, () => giveBack(name));

// Takes and drops names in this order; returns a text with an answer to each.
export const all = (asked) =>
  Promise.all(JSON.parse(asked).map(([operation, name]) => (operation === "take" ? take : drop)(name))).then(String);

// Several pages may look at a time: who only looks shares the lock.
export const isFree = (name) =>
  navigator.locks
    ? navigator.locks.request(lockName(name), { mode: "shared", ifAvailable: true }, (got) => got !== null)
    : inTurn(name, () => leaseIsFree(name));

export async function free(name) {
  if (navigator.locks) return navigator.locks.request(lockName(name), { mode: "shared" }, () => {});
  while (!(await isFree(name))) await new Promise((done) => setTimeout(done, 2000));
}

async function leaseIsFree(name) {
  const release = held.has(name) ? null : await (await import("./leases.js")).lease(name);
  await release?.();
  return release !== null;
}

// What is asked about a name while an answer is under way has its turn after that: else the second of two
// takes would be refused, or renew its lease for ever, and a drop would come before what it is to drop.
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

const lockName = (name) => `ossferry/${name}`;

function lock(name) {
  return new Promise((done, fail) => {
    const hold = (got) => (got ? new Promise(done) : done(null));
    navigator.locks.request(lockName(name), { ifAvailable: true }, hold).catch(fail);
  });
}

// A page that the browser puts aside may come back, by the button that goes back: then it takes its names again.
let before = [];
addEventListener("pagehide", () => (before = [...held.keys()]).forEach(giveBack));
addEventListener("pageshow", ({ persisted }) => persisted && before.splice(0).forEach(take));
