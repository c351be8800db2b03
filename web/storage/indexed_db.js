// IndexedDB for records.js and leases.js, with a timeout: in some browsers it never answers. The timeout consists of two
// timers: a computer that sleeps during one of them delays the answer as well.
import * as stored from "idb-keyval";

const WAIT_MS = 5_000;
let silence = null; // the error of the first timeout; later calls fail at once

function giveUp() {
  silence = new DOMException("the browser's storage does not answer", "TimeoutError");
  throw silence;
}

const timely =
  (operation) =>
  async (...given) => {
    if (silence) throw silence;
    let timer;
    const wait = () => new Promise((done) => (timer = setTimeout(done, WAIT_MS)));
    try {
      return await Promise.race([operation(...given), wait().then(wait).then(giveUp)]);
    } finally {
      clearTimeout(timer);
    }
  };

// Commits explicitly: the browser aborts open transactions of a closing page.
const store = stored.createStore("keyval-store", "keyval");
(async () => store("readonly", () => {}))().catch(() => {}); // opens the database; later calls report errors
// Sets `pairs` and deletes `gone` in one transaction.
export const write = timely((pairs, gone) =>
  store("readwrite", (all) => {
    for (const [key, value] of pairs) all.put(value, key);
    for (const key of gone) all.delete(key);
    all.transaction.commit();
    return stored.promisifyRequest(all.transaction);
  }));
export const update = timely((key, change) => stored.update(key, change, store));
export const entriesFrom = timely((start) => // entries whose names begin with `start`
  store("readonly", async (all) => {
    const range = IDBKeyRange.bound(start, `${start}\uffff`);
    const [names, values] = await Promise.all([all.getAllKeys(range), all.getAll(range)].map(stored.promisifyRequest));
    return names.map((name, index) => [name, values[index]]);
  }));
export const getMany = timely(stored.getMany);
