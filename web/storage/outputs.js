// Files that the page writes for the person: repaired tables, and ZIP archives of stored files.

export const FOLDER = "ossferry-files"; // as in checks_worker.js

// A file of the origin private file system, which stays until its tab is closed; null without such a file system, which
// needs HTTPS. Files of closed tabs are removed.
export async function newOutput() {
  // A private window of Firefox refuses the folder.
  const root = navigator.locks && (await navigator.storage?.getDirectory?.().catch(() => null));
  if (!root) return null;
  const folder = await root.getDirectoryHandle(FOLDER, { create: true });
  const lockOf = (name) => `${FOLDER}/${name}`;
  for await (const name of folder.keys())
    await navigator.locks.request(lockOf(name), { ifAvailable: true }, (lock) => lock && folder.removeEntry(name)).catch(() => {});
  const name = crypto.randomUUID();
  await new Promise((held) => navigator.locks.request(lockOf(name), () => (held(), new Promise(() => {}))));
  return { name, handle: await folder.getFileHandle(name, { create: true }) };
}
