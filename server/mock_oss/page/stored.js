// The left half: buckets, objects with a preview, uploads in progress, and planned faults.
import { $, api, bytes, counted, el, key, moment, report } from './dom.js';

const MOST = 1000;
export const chosen = { bucket: '', limit: 100 };

export const showMore = () => { chosen.limit = Math.min(MOST, chosen.limit + 300); };

const fileUrl = (name, query = '') =>
  `/_mock/objects/${encodeURIComponent(chosen.bucket)}/${encodeURIComponent(name)}${query}`;

export function showBuckets(buckets, choose) {
  if (!buckets.some((bucket) => bucket.name === chosen.bucket)) {
    chosen.bucket = (buckets.find((bucket) => bucket.objects) ?? buckets[0])?.name ?? '';
  }
  $('buckets').replaceChildren(...buckets.map((bucket) => {
    const facts = `${counted(bucket.objects, 'object')} · ${bytes(bucket.bytes)} · ${bucket.acl}`;
    const button = el('button', { type: 'button', ariaPressed: bucket.name === chosen.bucket },
      bucket.name, ' ', el('small', {}, facts));
    button.addEventListener('click', choose(bucket.name));
    return button;
  }));
  if (!buckets.length) {
    $('buckets').append(el('p', { className: 'none' }, 'There is no bucket. Create one with an SDK, or start the mock with ', el('code', {}, '--bucket NAME'), '.'));
  }
}

function objectRow(object) {
  const look = el('button', { type: 'button', ariaLabel: `Preview ${object.key}` }, 'Preview');
  look.addEventListener('click', () => preview(object).catch(report));
  return el('tr', {}, el('td', {}, key(object.key)), el('td', { className: 'number' }, bytes(object.size)),
    el('td', {}, object.kind), el('td', {}, look));
}

function emptyText() {
  const prefix = $('prefix').value;
  if (prefix) return [`No key starts with ${prefix}`];
  return ['No objects yet. Use ', el('code', {}, $('endpoint').textContent), ' as the endpoint of an SDK and put an object; it appears here within a second.'];
}

export function showBucket(found) {
  document.querySelector('table').hidden = !found.objects.length;
  $('objects').replaceChildren(...found.objects.map(objectRow));
  document.querySelector('#empty')?.remove();
  if (!found.objects.length && chosen.bucket) {
    document.querySelector('table').after(el('p', { id: 'empty', className: 'none' }, ...emptyText()));
  }
  $('more').hidden = !found.next || chosen.limit === MOST;
  $('uploads').replaceChildren(...found.uploads.map((upload) => el('li', {}, key(upload.key),
    el('span', { className: 'who' }, `${counted(upload.parts, 'part')} · ${bytes(upload.bytes)} · since `, moment(upload.initiated), ` · ${upload.upload_id}`))));
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
  else body.replaceChildren(el('pre', {}, (object.size && await beginning(source)) || '(empty)'));
  const facts = { Size: bytes(object.size), ETag: object.etag, 'CRC-64': object.crc64, Kind: object.kind, Class: object.storage_class, ACL: object.acl, Modified: moment(object.modified), ...object.headers };
  for (const [name, value] of Object.entries(object.tags)) facts[`tag ${name}`] = value;
  $('preview-facts').replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
  $('download').href = fileUrl(object.key, '?download');
  $('preview').showModal();
}

async function beginning(source) {
  const answer = await fetch(source, { headers: { Range: 'bytes=0-65535' } });
  const data = new Uint8Array(await answer.arrayBuffer());
  return data.includes(0)
    ? [...data.slice(0, 512)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    : new TextDecoder().decode(data);
}

export function showFaults(faults) {
  $('faults').replaceChildren(...faults.map((fault) => {
    const { effect, seen = 0, hits = 0, ...plan } = fault;
    const words = Object.entries(plan).map(([name, value]) => `${name} ${value}`);
    return el('li', {}, el('b', {}, effect), ' ', el('code', {}, words.join(' · ')),
      el('span', { className: 'who' }, seen ? `hit ${hits} of ${counted(seen, 'matching request')}` : 'no matching request yet'));
  }));
  if (!faults.length) $('faults').append(el('li', { className: 'none' }, 'None.'));
}
