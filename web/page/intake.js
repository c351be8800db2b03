// Takes files from the inputs, the drop zone and the clipboard, also before Python is up; then they wait here.
// First part of intake.js, whose parts are one script.
"use strict";

const intake = (() => {
  let listener = null;
  const waiting = [];

  // [name, folders, size, type, time of change, why it cannot be read]; as text, because that crosses to Python at once and uncut.
  const facts = (file) => {
    const folders = file.folders ?? above(file.webkitRelativePath);
    return [file.name, folders, file.size, file.type, file.lastModified, file.lost ?? ""];
  };
  const above = (path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

  function take(files) {
    if (!files.length) return;
    if (listener) return void listener(files);
    waiting.push(...files);
    const line = document.getElementById("grant");
    line.textContent = line.dataset.taken.replace("{count}", waiting.length);
  }

  // What cannot be read takes part with its name alone, and is told of; nothing else is lost with it.
  const lost = (name, error, folders = "") => Object.assign(new File([], name), { lost: String(error), folders });

  // Files know their folders, and where the browser can, the way back to themselves (`records.js`).
  // Whoever may read the root of a dropped folder may read all in it.
  const fromHandle = (handle, folders = "", root) =>
    handle.getFile().then(
      (file) => Object.assign(file, { handle, folders, root }),
      (error) => lost(handle.name, error, folders),
    );

  // boot.js may have been refused, and with it the one who would have said so
  if (!window.ossferry) document.documentElement.dataset.app = "failed";
  else {
    window.ossferry.facts = (file) => JSON.stringify(facts(file));
    window.ossferry.factsOf = (files, start, end) => JSON.stringify(files.slice(start, end).map(facts));

    // Python calls this once: its function gets what waits and all that comes later, as arrays of File.
    window.ossferry.listen = (receive) => {
      listener = receive;
      take(waiting.splice(0));
    };
  }
  return { above, fromHandle, lost, take: window.ossferry ? take : () => {} };
})();
// Files and folders that are dropped, and files that are pasted.
{
  const { above, fromHandle, lost, take } = intake;
  const MANY = 500; // files that are shown while the rest of a folder is read

  async function takeInside(folder, above = "", root = folder) {
    const folders = above ? `${above}/${folder.name}` : folder.name;
    const found = [];
    const takeFound = async () => take(await Promise.all(found.splice(0).map((handle) => fromHandle(handle, folders, root))));
    try {
      for await (const child of folder.values()) {
        if (child.kind === "directory") await takeInside(child, folders, root);
        else found.push(child);
        if (found.length === MANY) await takeFound();
      }
    } catch (error) {
      take([lost(folder.name, error, above)]);
    }
    await takeFound();
  }

  const promised = (call) => new Promise(call);
  async function takeBelow(entry) {
    const folders = above(entry.fullPath).slice(1);
    const orLost = (error) => [lost(entry.name, error, folders)];
    if (entry.isFile) {
      const file = promised((done, fail) => entry.file(done, fail));
      return file.then((found) => [Object.assign(found, { folders })], orLost);
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await promised((done, fail) => reader.readEntries(done, fail)).catch(orLost);
      if (!some.length || some[0].lost) return some;
      take((await Promise.all(some.map(takeBelow))).flat());
    }
  }

  // What was dropped has to be asked for before the event is over.
  async function filesIn(item) {
    const [file, entry, asked] = [item.getAsFile(), item.webkitGetAsEntry?.(), item.getAsFileSystemHandle?.()];
    const handle = await asked?.catch(() => null);
    if (handle?.kind === "directory") return (await takeInside(handle)) ?? [];
    if (handle) return [await fromHandle(handle)];
    if (entry?.isDirectory) return takeBelow(entry);
    return file ? [file] : [];
  }

  const dragging = (on) => document.getElementById("dropzone").classList.toggle("over", on);
  for (const name of ["dragenter", "dragover"]) {
    addEventListener(name, (event) => (event.preventDefault(), dragging(true)));
  }
  addEventListener("dragleave", (event) => event.relatedTarget ?? dragging(false));
  addEventListener("drop", async (event) => {
    event.preventDefault();
    dragging(false);
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    take((await Promise.all(items.map(filesIn))).flat());
  });
  addEventListener("paste", (event) => take([...event.clipboardData.files]));
}
// Files and folders that are chosen.
{
  const { fromHandle, take } = intake;

  const kinds = (accept) => {
    const wanted = {}; // {content type: endings}
    for (const each of accept.split(",").filter(Boolean)) {
      if (each.startsWith(".")) (wanted["application/octet-stream"] ??= []).push(each);
      else wanted[each] ??= [];
    }
    return accept ? [{ accept: wanted }] : [];
  };

  // The picker of File System Access gives handles; it does not exist on plain http or inside other sites.
  // A phone has more to offer in the plain one: its camera, and its photos.
  let plainly = matchMedia("(pointer: coarse)").matches;
  addEventListener("click", async (event) => {
    if (event.target.id !== "files" || plainly || !window.showOpenFilePicker) return;
    event.preventDefault();
    try {
      const handles = await showOpenFilePicker({ multiple: true, types: kinds(event.target.accept) });
      take(await Promise.all(handles.map((handle) => fromHandle(handle))));
    } catch (error) {
      if (error.name === "AbortError") return; // the person changed their mind
      plainly = true;
      event.target.click();
    }
  });

  addEventListener("change", ({ target }) => {
    if (target.id !== "files" && target.id !== "folder") return;
    take([...target.files]);
    target.value = "";
  });
}
