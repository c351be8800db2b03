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

  // Files know their folders, and where the browser can, the way back to themselves (`handles.js`).
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
