// The other pages of this origin: one of them has a name at a time, and each hears what the others tell.
// Web Locks end with their page by themselves; where they are missing (plain http), a lease that is
// renewed in IndexedDB stands in, and a page that crashed keeps its names for up to a lease more.
import { del, update } from "./storage.js";

const LEASE_MS = 90_000; // browsers wake hidden pages once a minute
const me = crypto.getRandomValues(new Uint32Array(2)).join("-");
const held = new Map(); // name: how to give it back
const channel = new BroadcastChannel("ossferry");

export const tell = (text) => channel.postMessage(text);
export const listen = (handler) => void (channel.onmessage = ({ data }) => typeof data === "string" && handler(data));

export async function take(name) {
  if (held.has(name)) return true;
  return navigator.locks ? lock(name, { ifAvailable: true }) : lease(name);
}

export function drop(name) {
  held.get(name)?.();
  held.delete(name);
}

export async function free(name) {
  if (navigator.locks) return navigator.locks.request(lockName(name), () => {});
  while (!(await lease(name))) await new Promise((done) => setTimeout(done, 2000));
  drop(name);
}

const lockName = (name) => `ossferry/${name}`;

function lock(name, options) {
  return new Promise((done, fail) => {
    const request = navigator.locks.request(lockName(name), options, (got) => {
      done(got !== null);
      return got && new Promise((release) => held.set(name, release));
    });
    request.catch(fail);
  });
}

async function lease(name) {
  const key = `ossferry-lease/${name}`;
  const write = async () => {
    let mine = false;
    await update(key, (now) => {
      mine = !now || now.owner === me || now.until < Date.now();
      return mine ? { owner: me, until: Date.now() + LEASE_MS } : now;
    });
    return mine;
  };
  if (!(await write())) return false;
  const timer = setInterval(write, LEASE_MS / 4);
  held.set(name, () => (clearInterval(timer), del(key)));
  return true;
}

addEventListener("pagehide", () => [...held.keys()].forEach(drop));
