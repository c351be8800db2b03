// A timer that sets a timer waits at least 4 ms, and MicroPython sets one whenever it turns to another
// task. A message comes at once, and lets the browser paint and listen in between all the same. One is on
// its way at a time: for each file MicroPython sets four timers, and takes most of them back.
const soon = new Map();
const { port1, port2 } = new MessageChannel();
const { setTimeout, clearTimeout } = window;
let count = 0;
let comes = false;
let turns = 0;
let isWatched = false;
let post = () => port2.postMessage(null);
function call() {
  if (comes || !soon.size) return;
  comes = true;
  post();
  if (!isWatched) watch(turns);
}
function next() {
  const [[number, run] = []] = soon;
  soon.delete(number);
  turns += 1;
  comes = false;
  call();
  run?.();
}
port1.onmessage = next;

// WebKit's network process carries messages, also from a page to itself. When it ends, none comes any more: then
// timers have to do. Two waits instead of one, as a computer that sleeps in one is not late.
const WAIT_MS = 1000;
function watch(seen, waits = 2) {
  isWatched = comes;
  if (!comes) return;
  if (waits) return setTimeout(() => watch(turns, turns === seen ? waits - 1 : 2), WAIT_MS);
  port1.onmessage = null;
  post = () => setTimeout(next, 0);
  post();
}
window.setTimeout = (run, ms, ...given) => {
  if (ms > 0 || given.length || typeof run !== "function") return setTimeout(run, ms, ...given);
  soon.set(--count, run); // other timers have positive numbers
  call();
  return count;
};
window.clearTimeout = (number) => soon.delete(number) || clearTimeout(number);
