// Updates the page with the state and the requests of the mock, once a second.
import { $, api, post, report } from './dom.js';
import { SHOWN, forget, journal, showRequests } from './requests.js';
import { chosen, showBucket, showBuckets, showFaults, showMore } from './stored.js';

const POLL_MS = 1000;
const act = (work) => () => Promise.resolve().then(work).then(refresh).catch(report);
const choose = (name) => act(() => { chosen.bucket = name; chosen.limit = 100; });

async function refresh() {
  const found = await api('state');
  $('endpoint').textContent = found.endpoint;
  $('clock').dateTime = found.now;
  $('clock').textContent = `${found.now.replace('T', ' ').slice(0, 19)} UTC`;
  showBuckets(found.buckets, choose);
  showFaults(found.faults);
  const query = new URLSearchParams({ prefix: $('prefix').value, limit: chosen.limit });
  showBucket(chosen.bucket ? await api(`buckets/${encodeURIComponent(chosen.bucket)}?${query}`) : { objects: [], uploads: [] });
  const { requests } = await api(`requests?after=${journal.seen}&last=${SHOWN}&brief`);
  showRequests(requests);
  report(null);
}

async function poll() {
  if (!document.hidden && !$('paused').checked) await refresh().catch(report);
  setTimeout(poll, POLL_MS);
}

for (const button of document.querySelectorAll('[data-advance]')) {
  button.addEventListener('click', act(() => post('clock', { advance: Number(button.dataset.advance) })));
}
$('reset').addEventListener('click', () => { $('sure').returnValue = ''; $('sure').showModal(); });
$('sure').addEventListener('close', () => {
  if ($('sure').returnValue === 'yes') act(async () => { await post('reset', {}); forget(); })();
});
$('clear').addEventListener('click', act(async () => { await api('requests', { method: 'DELETE' }); forget(); }));
$('prefix').addEventListener('input', act(() => {}));
$('refused').addEventListener('change', act(() => {}));
$('more').addEventListener('click', act(showMore));
const copy = document.querySelector('[data-copy]');
copy.addEventListener('click', () => navigator.clipboard.writeText($('endpoint').textContent).then(() => {
  copy.textContent = 'Copied';
  setTimeout(() => { copy.textContent = 'Copy'; }, 1500);
}).catch(report));
poll();
