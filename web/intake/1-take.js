// Takes files from the inputs, the drop zone and the clipboard, also before Python is up; then they wait here.
// First part of intake.js, whose parts are one script.
"use strict";

const intake = (() => {
  let listener = null;
  const waiting = [];

  // [name, folders, size, type, time of change]; as text, because that crosses to Python at once and uncut.
  const facts = (file) => [file.name, file.folders ?? above(file.webkitRelativePath), file.size, file.type, file.lastModified];
  const above = (path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

  function take(files) {
    if (!files.length) return;
    if (listener) return void listener(files, JSON.stringify(files.map(facts)));
    waiting.push(...files);
    const line = document.getElementById("grant");
    line.textContent = line.dataset.taken.replace("{count}", waiting.length);
  }

  // Files know their folders, and where the browser can, the way back to themselves (`handles.js`).
  // Whoever may read the root of a dropped folder may read all in it.
  const fromHandle = async (handle, folders = "", root) => Object.assign(await handle.getFile(), { handle, folders, root });

  // boot.js may have been refused, and with it the one who would have said so
  if (!window.ossferry) document.documentElement.dataset.app = "failed";
  else {
    window.ossferry.facts = (file) => JSON.stringify(facts(file));

    // Python calls this once: its function gets what waits and all that comes later: an array of File, and their facts.
    window.ossferry.listen = (receive) => {
      listener = receive;
      take(waiting.splice(0));
    };
  }
  return { above, fromHandle, take: window.ossferry ? take : () => {} };
})();
