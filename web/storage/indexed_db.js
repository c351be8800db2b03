// IndexedDB for records.js and tabs.js, with an end to patience: in some browsers it may never answer,
// and then it is as good as none. Two waits instead of one, as a computer that sleeps in one is not late.
import * as stored from "./idb-keyval.js";

const WAIT_MS = 5_000;
let silence = null; // once it did not answer, nobody waits for it again

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

// Of a page that is about to be gone, only what is committed counts.
const store = stored.createStore("keyval-store", "keyval");
const write = (change) =>
  store("readwrite", (all) => {
    change(all);
    all.transaction.commit();
    return stored.promisifyRequest(all.transaction);
  });
export const delMany = timely((keys) => write((all) => keys.forEach((key) => all.delete(key))));
export const setMany = timely((pairs) => write((all) => pairs.forEach(([key, value]) => all.put(value, key))));
export const update = timely((key, change) => stored.update(key, change, store)); // and so opens it
export const entriesFrom = timely((start) => // all whose names begin so
  store("readonly", async (all) => {
    const range = IDBKeyRange.bound(start, `${start}\uffff`);
    const [names, values] = await Promise.all([all.getAllKeys(range), all.getAll(range)].map(stored.promisifyRequest));
    return names.map((name, index) => [name, values[index]]);
  }));
export const getMany = timely(stored.getMany);
