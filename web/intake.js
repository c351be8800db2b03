// Takes files from the inputs and the drop zone, also before Python is up; then they wait here.
"use strict";

{
  let listener = null;
  const waiting = [];

  function take(files) {
    if (!files.length) return;
    if (listener) return void listener(files);
    waiting.push(...files);
    const count = waiting.length;
    document.getElementById("grant").textContent = `${count} ${count === 1 ? "file" : "files"} taken, starting…`;
  }

  // Python calls this once: its function gets what waits and all that comes later, as arrays of File.
  window.ossferry.listen = (receive) => {
    listener = receive;
    take(waiting.splice(0));
  };

  async function filesBelow(entry) {
    if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
    const reader = entry.createReader();
    const found = [];
    for (;;) {
      const some = await new Promise((done, fail) => reader.readEntries(done, fail));
      if (!some.length) return found;
      for (const child of some) found.push(...(await filesBelow(child)));
    }
  }

  addEventListener("change", ({ target }) => {
    if (target.id !== "files" && target.id !== "folder") return;
    take([...target.files]);
    target.value = "";
  });

  const dragging = (on) => document.getElementById("dropzone").classList.toggle("over", on);
  for (const name of ["dragenter", "dragover"]) {
    addEventListener(name, (event) => (event.preventDefault(), dragging(true)));
  }
  addEventListener("dragleave", (event) => event.relatedTarget ?? dragging(false));
  addEventListener("drop", async (event) => {
    event.preventDefault();
    dragging(false);
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...event.dataTransfer.files];
    take(entries.some((entry) => entry.isDirectory) ? (await Promise.all(entries.map(filesBelow))).flat() : plain);
  });
}
