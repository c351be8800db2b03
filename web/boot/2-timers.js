// A timer that sets a timer waits at least 4 ms, and MicroPython sets one whenever it turns to another
// task. A message comes at once, and lets the browser paint and listen in between all the same. One is on
// its way at a time: for each file MicroPython sets four timers, and takes most of them back.
const soon = new Map();
const { port1, port2 } = new MessageChannel();
const { setTimeout, clearTimeout } = window;
let count = 0;
let comes = false;
function call() {
  if (comes || !soon.size) return;
  comes = true;
  port2.postMessage(null);
}
port1.onmessage = () => {
  const [[number, run] = []] = soon;
  soon.delete(number);
  comes = false;
  call();
  run?.();
};
window.setTimeout = (run, ms, ...given) => {
  if (ms > 0 || given.length || typeof run !== "function") return setTimeout(run, ms, ...given);
  soon.set(--count, run); // other timers have positive numbers
  call();
  return count;
};
window.clearTimeout = (number) => soon.delete(number) || clearTimeout(number);
