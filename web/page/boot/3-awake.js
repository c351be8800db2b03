// The screen stays on while there is something to lose; the browser lets it go with a hidden page.
let busy = false;
let awake = null;
let asked = false; // and not answered: one lock is enough, and a second would never be given back
async function stayAwake() {
  if (!busy || awake || asked || document.visibilityState !== "visible") return;
  asked = true;
  awake = await navigator.wakeLock?.request("screen").catch(() => null);
  asked = false;
  awake?.addEventListener("release", () => (awake = null));
  if (!busy) awake?.release();
}
document.addEventListener("visibilitychange", stayAwake);

function guardLeaving(on) {
  busy = on;
  window.onbeforeunload = on ? (event) => event.preventDefault() : null;
  if (on) stayAwake();
  else awake?.release();
}
