// What the style sheet has to know of the device. Where fingers point there are browsers that know `webkitdirectory`
// and let nobody choose a folder; those of iOS could not before 18.4, which brought `Iterator` too.
const fingers = matchMedia("(pointer: coarse)").matches;
const folders = "webkitdirectory" in HTMLInputElement.prototype && !(fingers && !window.Iterator);
root.classList.toggle("no-folders", !folders);
