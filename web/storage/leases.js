// Leases in IndexedDB, in place of Web Locks where the browser has none (plain http). A page renews its leases; those of
// a crashed page expire after at most LEASE_MS.
import { entriesFrom, update, write } from "./indexed_db.js";

const LEASE_MS = 90_000; // browsers run the timers of hidden pages once a minute
const me = crypto.getRandomValues(new Uint32Array(2)).join("-");

const LEASES = "ossferry-lease/";

export const leased = async () =>
  (await entriesFrom(LEASES)).filter(([, { until }]) => until > Date.now()).map(([key]) => key.slice(LEASES.length));

// Returns a function that releases the name; null if another page has it.
export async function lease(name) {
  const key = LEASES + name;
  let until = 0; // if this page sleeps longer, another one may take the name
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

// Leases that are released together are deleted in one transaction: a closing page has no time for a second.
function giveBack(key) {
  ended.push(key);
  return (end ??= Promise.resolve().then(() => {
    end = null;
    return write([], ended.splice(0));
  }));
}
