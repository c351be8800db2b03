// Shows what the mock holds and is asked. All text goes in as text nodes.
const $ = (id) => document.getElementById(id);
const POLL_MS = 1000;
const SHOWN = 300;
const MOST = 1000;
const state = { bucket: '', limit: 100, seen: 0, rows: new Map() };

function el(name, props = {}, ...children) {
  const node = Object.assign(document.createElement(name), props);
  node.append(...children.filter((child) => child !== null && child !== ''));
  return node;
}

async function api(path, options) {
  const answer = await fetch(`/_mock/${path}`, options);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.status === 204 ? null : answer.json();
}

function report(error) {
  $('alert').textContent = error ? `The mock does not answer: ${error.message}` : '';
  $('alert').hidden = !error;
}

const act = (work) => () => work().then(refresh).catch(report);
const post = (path, body) => api(path, { method: 'POST', body: JSON.stringify(body) });

function bytes(count) {
  const units = ['B', 'KB', 'MB', 'GB'];
  let unit = 0;
  while (count >= 1024 && unit < 3) { count /= 1024; unit += 1; }
  return `${unit ? count.toFixed(1) : count} ${units[unit]}`;
}

const fileUrl = (key, query = '') =>
  `/_mock/objects/${encodeURIComponent(state.bucket)}/${encodeURIComponent(key)}${query}`;

function showBuckets(buckets) {
  if (!buckets.some((bucket) => bucket.name === state.bucket)) state.bucket = buckets[0]?.name ?? '';
  $('buckets').replaceChildren(...buckets.map((bucket) => {
    const button = el('button', { type: 'button', ariaPressed: bucket.name === state.bucket },
      bucket.name, ' ', el('small', {}, `${bucket.objects} · ${bytes(bucket.bytes)} · ${bucket.acl}`));
    button.addEventListener('click', act(async () => { state.bucket = bucket.name; state.limit = 100; }));
    return button;
  }));
  if (!buckets.length) $('buckets').append(el('p', { className: 'none' }, 'No buckets yet.'));
}

function objectRow(object) {
  const look = el('button', { type: 'button', ariaLabel: `Preview ${object.key}` }, 'Preview');
  look.addEventListener('click', () => preview(object).catch(report));
  return el('tr', {}, el('td', {}, object.key), el('td', {}, bytes(object.size)), el('td', {}, object.kind), el('td', {}, look));
}

function showBucket(found) {
  $('objects').replaceChildren(...found.objects.map(objectRow));
  if (!found.objects.length) $('objects').append(el('tr', {}, el('td', { colSpan: 4, className: 'none' }, 'No objects.')));
  $('more').hidden = !found.next || state.limit === MOST;
  $('uploads').replaceChildren(...found.uploads.map((upload) =>
    el('li', {}, upload.key, el('span', { className: 'who' }, `${upload.upload_id} · ${upload.parts} parts, ${bytes(upload.bytes)} · since ${upload.initiated}`))));
  if (!found.uploads.length) $('uploads').append(el('li', { className: 'none' }, 'None.'));
}

async function preview(object) {
  const body = $('preview-body');
  const kind = object.headers['content-type'] ?? '';
  const source = fileUrl(object.key);
  $('preview-name').textContent = object.key;
  if (kind.startsWith('image/')) body.replaceChildren(el('img', { src: source, alt: object.key }));
  else if (kind.startsWith('video/')) body.replaceChildren(el('video', { src: source, controls: true }));
  else if (kind.startsWith('audio/')) body.replaceChildren(el('audio', { src: source, controls: true }));
  else {
    const answer = await fetch(source, { headers: { Range: 'bytes=0-65535' } });
    const data = new Uint8Array(await answer.arrayBuffer());
    const text = data.includes(0)
      ? [...data.slice(0, 512)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
      : new TextDecoder().decode(data);
    body.replaceChildren(el('pre', {}, text || '(empty)'));
  }
  const facts = { Size: bytes(object.size), ETag: object.etag, 'CRC-64': object.crc64, Kind: object.kind, Class: object.storage_class, ACL: object.acl, Modified: object.modified, ...object.headers, ...object.tags };
  $('preview-facts').replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
  $('download').href = fileUrl(object.key, '?download');
  $('preview').showModal();
}

function difference(why) {
  const { expected, signed, line, offset } = why.first_difference;
  const marked = (text) => [el('mark', {}, text.slice(0, 1) || '␤'), text.slice(1)];
  return el('pre', {}, `line ${line}, byte ${offset}\nthe mock reads  `, ...marked(expected), '\nthe client has  ', ...marked(signed));
}

function explain(record) {
  const why = record.why;
  const parts = [el('p', {}, el('b', {}, record.code), ` ${record.message}`)];
  if (why.cause) parts.push(el('p', {}, `Because ${why.cause}.`));
  if (why.kind === 'policy' && why.decision) {
    const place = why.policy ? `a statement of ${why.policy}` : `no statement of ${why.evaluated ?? 'any policy'}`;
    parts.push(el('p', {}, `${why.caller} wants ${why.action} on ${why.resource ?? 'this'}: ${why.decision}, by ${place}.`));
    if (why.statement) parts.push(el('pre', {}, JSON.stringify(JSON.parse(why.statement), null, 2)));
  }
  if (why.client_minus_server_s !== undefined) parts.push(el('p', {}, `The client's clock is ${why.client_minus_server_s} s off.`));
  if (why.expired_at) parts.push(el('p', {}, `It expired at ${why.expired_at}.`));
  if (why.first_difference) parts.push(difference(why));
  if (why.expected_text) parts.push(el('details', {}, el('summary', {}, 'What the mock read'), el('pre', {}, why.expected_text)));
  const told = new Set(['kind', 'cause', 'decision', 'policy', 'statement', 'action', 'resource', 'caller', 'evaluated', 'client_minus_server_s', 'expired_at', 'first_difference', 'expected_text', 'signed_text']);
  const rest = Object.entries(why).filter(([name]) => !told.has(name));
  if (rest.length) parts.push(el('pre', {}, JSON.stringify(Object.fromEntries(rest), null, 2)));
  return el('div', { className: 'why' }, ...parts);
}

function requestRow(record) {
  const what = el('span', { className: 'what' }, el('b', {}, record.operation || record.method), ' ', record.key || record.path,
    el('span', { className: 'who' }, [record.bucket, record.caller.replace('acs:ram::', '') || record.access_key_id || 'anonymous', record.code, ...record.faults.map((fault) => `fault: ${fault}`)].filter(Boolean).join(' · ')));
  const when = el('span', { className: 'when' }, `${new Date(record.time * 1000).toLocaleTimeString()} · ${record.duration_ms.toFixed(1)} ms`);
  const line = [el('span', { className: 'status' }, record.status ?? '—'), what, when];
  if (!record.code) return el('li', { className: record.status ? '' : 'bad' }, el('div', { className: 'line' }, ...line));
  return el('li', {}, el('details', { className: 'bad' }, el('summary', { className: 'line' }, ...line), explain(record)));
}

function showRequests(records) {
  for (const record of records) {
    const row = requestRow(record);
    row.dataset.refused = Boolean(record.code);
    const old = state.rows.get(record.number);
    if (old) old.replaceWith(row); else $('requests').prepend(row);
    state.rows.set(record.number, row);
  }
  for (const [number, row] of state.rows) {
    if (state.rows.size <= SHOWN) break;
    row.remove();
    state.rows.delete(number);
  }
  const only = $('refused').checked;
  for (const row of state.rows.values()) row.hidden = only && row.dataset.refused !== 'true';
  const open = records.filter((record) => record.status === null && !record.code && !record.faults.length);
  const last = records.at(-1)?.number ?? state.seen;
  state.seen = open.length ? open[0].number - 1 : last;
}

async function refresh() {
  const found = await api('state');
  $('endpoint').textContent = found.endpoint;
  $('clock').textContent = found.now.replace('T', ' ').slice(0, 19) + ' UTC';
  $('clock').dateTime = found.now;
  showBuckets(found.buckets);
  $('faults').replaceChildren(...found.faults.map((fault) => el('li', {}, el('code', {}, JSON.stringify(fault)))));
  if (!found.faults.length) $('faults').append(el('li', { className: 'none' }, 'None.'));
  const query = new URLSearchParams({ prefix: $('prefix').value, limit: state.limit });
  showBucket(state.bucket ? await api(`buckets/${encodeURIComponent(state.bucket)}?${query}`) : { objects: [], uploads: [] });
  const { requests } = await api(`requests?after=${state.seen}&last=${SHOWN}`);
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
$('reset').addEventListener('click', act(async () => {
  if (!confirm('Forget all objects, requests and faults?')) return;
  await post('reset', {});
  forget();
}));
function forget() {
  state.rows.clear();
  $('requests').replaceChildren();
}
$('clear').addEventListener('click', act(async () => { await api('requests', { method: 'DELETE' }); forget(); }));
$('prefix').addEventListener('input', act(async () => {}));
$('refused').addEventListener('change', act(async () => {}));
$('more').addEventListener('click', act(async () => { state.limit = Math.min(MOST, state.limit + 300); }));
document.querySelector('[data-copy]').addEventListener('click', () => navigator.clipboard.writeText($('endpoint').textContent).catch(report));
poll();
