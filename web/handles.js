// What outlives the page, in IndexedDB: texts by name, and beside them the ways back to files on disk,
// where the browser has File System Access: then an upload goes on without choosing its file again.
import { delMany, entries, getMany, setMany } from "./storage.js";

const TEXTS = "ossferry/";
const FILES = "ossferry-file/";

// All records, in the order of their names: to sort is cheap here, and not in Python.
export async function load() {
  const all = new Map(await entries());
  const names = [...all.keys()].filter((name) => String(name).startsWith(TEXTS) && typeof all.get(name) === "string");
  const found = names.map((name) => ({ name: name.slice(TEXTS.length), text: all.get(name), label: label(all.get(name)) }));
  const { compare } = new Intl.Collator(undefined, { numeric: true });
  found.sort((one, other) => compare(one.label, other.label));
  return JSON.stringify(found.map(({ name, text }) => [name, text, all.has(FILES + name)]));
}

function label(text) {
  try {
    const { path, name } = JSON.parse(text);
    return `${path}/${name}`;
  } catch {
    return ""; // Python will refuse it
  }
}

export function save(texts, files) {
  const pairs = JSON.parse(texts).flatMap(([name, text], index) => {
    const { handle, root } = files[index] ?? {};
    return [[TEXTS + name, text], ...(handle ? [[FILES + name, { handle, root }]] : [])];
  });
  return setMany(pairs);
}

export const forget = (names) => delMany(JSON.parse(names).flatMap((name) => [TEXTS + name, FILES + name]));

// `wanted` is JSON of `[[name, folders]]`. Returns the files, and their facts or what is wrong with them.
export async function open(wanted) {
  const asked = JSON.parse(wanted);
  const ways = await getMany(asked.map(([name]) => FILES + name));
  await allow(ways.filter(Boolean).map(({ handle, root }) => root ?? handle));
  const files = await Promise.all(ways.map((way, index) => reopen(way, asked[index][1]).catch(String)));
  return { files, facts: JSON.stringify(files.map((file) => (file instanceof File ? JSON.parse(ossferry.facts(file)) : file))) };
}

const isAllowed = async (handle, ask = "queryPermission") => (await handle[ask]({ mode: "read" })) === "granted";

// A browser that is asked for one handle may allow all; whoever says no is not asked again.
async function allow(handles) {
  const known = await Promise.all(handles.map((each) => isAllowed(each)));
  for (const handle of handles.filter((_each, index) => !known[index])) {
    if (!(await isAllowed(handle)) && !(await isAllowed(handle, "requestPermission").catch(() => false))) return;
  }
}

async function reopen(way, folders) {
  if (!way) throw new DOMException("the browser does not know the file any more", "NotFoundError");
  if (!(await isAllowed(way.root ?? way.handle))) throw new DOMException("the file may not be read", "NotAllowedError");
  return Object.assign(await way.handle.getFile(), { ...way, folders });
}
