// Accepts files from the inputs, the drop zone and the clipboard. Files that come before Python has started wait here.
"use strict";

const intake = (() => {
  let listener = null;
  const waiting = [];

  const above = (path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

  function take(files) {
    if (!files.length) return;
    if (listener) return void listener(files);
    waiting.push(...files);
    const line = document.getElementById("grant");
    const forms = JSON.parse(line.dataset.taken); // {plural category: sentence}
    const category = new Intl.PluralRules(document.documentElement.lang).select(waiting.length);
    line.textContent = (forms[category] ?? forms.other).replace("{count}", waiting.length);
  }

  // Stands for a file or folder that cannot be read: its row shows the error, and the other files are uploaded.
  const lost = (name, error, folders = "") => Object.assign(new File([], name), { lost: String(error), folders });

  // A file keeps its folders and, in browsers with File System Access, its handle, to open it again (`records.js`).
  // Permission to read `root`, the dropped folder, includes all files in it.
  const fromHandle = (handle, folders = "", root) =>
    handle.getFile().then(
      (file) => Object.assign(file, { handle, folders, root }),
      (error) => lost(handle.name, error, folders),
    );

  // Python calls this once. `receive` gets the waiting files and all later ones, as arrays of File.
  window.ossferry.listen = (receive) => {
    listener = receive;
    take(waiting.splice(0));
  };
  window.ossferry.take = take;
  return { above, fromHandle, lost, take };
})();

{
  const { above, fromHandle, lost, take } = intake;
  // Dropped files and folders, and pasted files.
  const MANY = 500; // files of a folder that are shown before the rest is read

  async function takeInside(folder, above = "", root = folder) {
    const folders = above ? `${above}/${folder.name}` : folder.name;
    const handles = [];
    const takeHandles = async () => take(await Promise.all(handles.splice(0).map((handle) => fromHandle(handle, folders, root))));
    try {
      for await (const child of folder.values()) {
        if (child.kind === "directory") await takeInside(child, folders, root);
        else handles.push(child);
        if (handles.length === MANY) await takeHandles();
      }
    } catch (error) {
      take([lost(folder.name, error, above)]);
    }
    await takeHandles();
  }

  const promised = (call) => new Promise(call);
  async function takeBelow(entry) {
    const folders = above(entry.fullPath).slice(1);
    const orLost = (error) => [lost(entry.name, error, folders)];
    if (entry.isFile) {
      const opened = promised((done, fail) => entry.file(done, fail));
      return opened.then((file) => [Object.assign(file, { folders })], orLost);
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await promised((done, fail) => reader.readEntries(done, fail)).catch(orLost);
      if (!some.length || some[0].lost) return some;
      take((await Promise.all(some.map(takeBelow))).flat());
    }
  }

  // All three calls must happen during the event: afterwards the item is empty.
  async function filesIn(item) {
    const [file, entry, opening] = [item.getAsFile(), item.webkitGetAsEntry?.(), item.getAsFileSystemHandle?.()];
    const handle = await opening?.catch(() => null);
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
  // Browsers give each pasted picture the same name.
  const named = (file) => {
    const [, ending] = /^image(\.\w+)$/.exec(file.name) ?? [];
    const now = new Date().toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".");
    return ending ? Object.assign(new File([file], `pasted ${now}${ending}`, { type: file.type }), { isMade: true }) : file;
  };
  addEventListener("paste", (event) => take([...event.clipboardData.files].map(named)));

  // Chosen files and folders.
  const kinds = (accept) => {
    const wanted = {}; // {content type: file extensions}
    for (const type of accept.split(",").filter(Boolean)) {
      if (type.startsWith(".")) (wanted["application/octet-stream"] ??= []).push(type);
      else wanted[type] ??= [];
    }
    return accept ? [{ accept: wanted }] : [];
  };

  // The picker of File System Access gives handles. It does not exist on plain http or in a page of another site. Phones
  // use the plain picker, which also offers camera and photos.
  let plainly = matchMedia("(pointer: coarse)").matches;
  addEventListener("click", async (event) => {
    if (event.target.id !== "files" || plainly || !window.showOpenFilePicker) return;
    event.preventDefault();
    try {
      const handles = await showOpenFilePicker({ multiple: true, types: kinds(event.target.accept) });
      take(await Promise.all(handles.map((handle) => fromHandle(handle))));
    } catch (error) {
      if (error.name === "AbortError") return; // the person closed the picker
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
