// Records of uploads in IndexedDB: texts by name and, in browsers with File System Access, handles of the files, so that
// an upload continues without choosing its file again. A name begins with the prefix of its owner. The page reads only
// records of the person who is signed in; those of others are removed after 30 days.
import { entriesFrom, getMany, update, write } from "./indexed_db.js";

const TEXTS = "ossferry/";
const FILES = "ossferry-file/";
const SECRET = "ossferry-secret";
const SECRET_BYTES = 32;
const MOST_AGE_S = 30 * 86_400;

// Returns all records of a person as JSON of [[name, text, whether there is a handle]], in the order of the file paths:
// sorting is faster here than in Python.
export async function load(owner) {
  forgetOld(owner).catch(() => {}); // the next page tries again
  const [texts, files] = await Promise.all([entriesFrom(TEXTS + owner), entriesFrom(FILES + owner)]);
  const known = new Set(files.map(([name]) => name));
  const records = texts
    .filter(([, text]) => typeof text === "string")
    .map(([name, text]) => ({ name: name.slice(TEXTS.length), text, label: label(text) }));
  const { compare } = new Intl.Collator(undefined, { numeric: true });
  records.sort((one, other) => compare(one.label, other.label));
  return JSON.stringify(records.map(({ name, text }) => [name, text, known.has(FILES + name)]));
}

// Returns the records whose names begin with `start` and whose texts do not contain `without`, unless it is empty, as JSON
// of [[name, text]].
export async function find(start, without) {
  const isWanted = ([, text]) => typeof text === "string" && !(without && text.includes(without));
  const records = (await entriesFrom(TEXTS + start)).filter(isWanted);
  return JSON.stringify(records.map(([name, text]) => [name.slice(TEXTS.length), text]));
}

async function forgetOld(owner) {
  const others = (await entriesFrom(TEXTS)).filter(([name]) => !name.startsWith(TEXTS + owner));
  const names = others.filter(([, text]) => !(savedAt(text) > Date.now() / 1000 - MOST_AGE_S)).map(([name]) => name);
  if (names.length) await forget(JSON.stringify(names.map((name) => name.slice(TEXTS.length))));
}

function savedAt(text) {
  try {
    return JSON.parse(text).saved_at_s;
  } catch {
    return 0;
  }
}

function label(text) {
  try {
    const { path, name } = JSON.parse(text);
    return `${path}/${name}`;
  } catch {
    return ""; // Python ignores the record
  }
}

const both = (name) => [TEXTS + name, FILES + name];

// Stores texts, JSON of [[name, text]], with the handles of their files, and deletes the names in `gone`, JSON of a list.
export function save(texts, files, gone) {
  const pairs = JSON.parse(texts).flatMap(([name, text], index) => {
    const { handle, root } = files[index] ?? {};
    return [[TEXTS + name, text], ...(handle ? [[FILES + name, { handle, root }]] : [])];
  });
  return write(pairs, JSON.parse(gone).flatMap(both));
}

export const forget = (names) => write([], JSON.parse(names).flatMap(both));

// `wanted` is JSON of [[name, folders]]. Returns the files, and JSON of their facts; in place of a file that cannot be
// opened, both have the error as text.
export async function open(wanted) {
  const entries = JSON.parse(wanted);
  const ways = await getMany(entries.map(([name]) => FILES + name));
  await allow(ways.filter(Boolean).map(({ handle, root }) => root ?? handle));
  const files = await Promise.all(ways.map((way, index) => reopen(way, entries[index][1]).catch(String)));
  return { files, facts: JSON.stringify(files.map((file) => (file instanceof File ? JSON.parse(ossferry.facts(file)) : file))) };
}

// A recording is stored as a File, which needs no permission.
const isAllowed = async (handle, ask = "queryPermission") => handle instanceof File || (await handle[ask]({ mode: "read" })) === "granted";

// Permission for one handle may include the others. After the first refusal the person is not asked again.
async function allow(handles) {
  const known = await Promise.all(handles.map((handle) => isAllowed(handle)));
  for (const handle of handles.filter((_handle, index) => !known[index])) {
    if (!(await isAllowed(handle)) && !(await isAllowed(handle, "requestPermission").catch(() => false))) return;
  }
}

async function reopen(way, folders) {
  if (!way) throw new DOMException("the browser does not know the file any more", "NotFoundError");
  if (!(await isAllowed(way.root ?? way.handle))) throw new DOMException("the file may not be read", "NotAllowedError");
  return Object.assign((await way.handle.getFile?.()) ?? way.handle, { ...way, folders });
}

// Returns 32 bytes as hex, from which Python derives the data keys of encrypted uploads. They are the same in each page of
// this browser: IndexedDB has a key that no script can export. A browser that cannot store such a key returns other bytes
// in each page.
let known = null;
export const secret = () => (known ??= stableSecret().catch(() => crypto.getRandomValues(new Uint8Array(SECRET_BYTES))).then(hex));

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

async function stableSecret() {
  let key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  await update(SECRET, (stored) => (key = stored ?? key));
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode("data keys")));
}
