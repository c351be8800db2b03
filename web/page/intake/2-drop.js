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
