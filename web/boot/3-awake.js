// The screen stays on while there is something to lose; the browser lets it go with a hidden page.
let busy = false;
let awake = null;
async function stayAwake() {
  if (!busy || awake || document.visibilityState !== "visible") return;
  awake = await navigator.wakeLock?.request("screen").catch(() => null);
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
