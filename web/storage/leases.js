// What stands in for Web Locks where they are missing (plain http): a lease that is renewed in IndexedDB.
// A page that crashed keeps its names for up to a lease more.
import { delMany, update } from "./indexed_db.js";

const LEASE_MS = 90_000; // browsers wake hidden pages once a minute
const me = crypto.getRandomValues(new Uint32Array(2)).join("-");

// Returns how to give a name back; null if another page has it.
export async function lease(name) {
  const key = `ossferry-lease/${name}`;
  let until = 0; // this page sleeps perhaps, and another one has the name from then on
  const write = () =>
    update(key, (now) => {
      const mine = !now || now.owner === me || now.until < Date.now();
      until = mine ? Date.now() + LEASE_MS : 0;
      return mine ? { owner: me, until } : now;
    });
  await write();
  if (!until) return null;
  const timer = setInterval(write, LEASE_MS / 4);
  return () => (clearInterval(timer), until > Date.now() ? giveBack(key) : undefined);
}

const ended = [];
let end = null;

// All that are given back at once, in one transaction: a page that is about to be gone gets no second.
function giveBack(key) {
  ended.push(key);
  return (end ??= Promise.resolve().then(() => {
    end = null;
    return delMany(ended.splice(0));
  }));
}
