// The right half: the requests, newest first; a refused request opens to show the reason.
import { $, api, el, key, moment, report } from './dom.js';
import { explain } from './why.js';

export const SHOWN = 300;
const rows = new Map();
export const journal = { seen: 0 };

function whoAsked(record) {
  if (record.caller) return record.caller.replace(/^acs:\w+::\d+:/, '');
  if (record.access_key_id) return record.access_key_id;
  return record.faults.length || record.headers.authorization ? '' : 'anonymous';
}

function requestRow(record) {
  const facts = [record.bucket, whoAsked(record), ...record.faults.map((fault) => `fault: ${fault}`)].filter(Boolean).join(' · ');
  const who = el('span', { className: 'who' }, record.code ? el('b', {}, record.code) : '', record.code && facts ? ' · ' : '', facts);
  const what = el('span', { className: 'what' }, el('b', {}, record.operation || record.method), ' ',
    key(record.key || record.path), who);
  const when = el('span', { className: 'when' }, moment(record.time * 1000), ` · ${record.duration_ms.toFixed(1)} ms`);
  const status = el('span', { className: 'status', title: record.status ? '' : 'no response' }, record.status ?? '—');
  if (!record.code) return el('li', { className: record.status ? '' : 'bad' }, el('div', { className: 'line' }, status, what, when));
  const details = el('details', { className: 'bad' }, el('summary', { className: 'line' }, status, what, when));
  details.addEventListener('toggle', () => {
    if (details.children.length === 1) api(`requests/${record.number}`).then((all) => details.append(explain(all))).catch(report);
  });
  return el('li', {}, details);
}

export function showRequests(records) {
  for (const record of records) {
    const row = requestRow(record);
    row.dataset.refused = Boolean(record.code);
    const old = rows.get(record.number);
    if (old) old.replaceWith(row); else $('requests').prepend(row);
    rows.set(record.number, row);
  }
  for (const [number, row] of rows) {
    if (rows.size <= SHOWN) break;
    row.remove();
    rows.delete(number);
  }
  const only = $('refused').checked;
  let visible = 0;
  for (const row of rows.values()) {
    row.hidden = only && row.dataset.refused !== 'true';
    visible += row.hidden ? 0 : 1;
  }
  $('quiet').hidden = visible > 0;
  $('quiet').textContent = rows.size ? 'No request was refused.' : 'No requests yet. Every request appears here; a refused request shows the reason.';
  const open = records.filter((record) => record.status === null && !record.code && !record.faults.length);
  const last = records.at(-1)?.number ?? journal.seen;
  journal.seen = open.length ? open[0].number - 1 : last;
}

export function forget() {
  rows.clear();
  $('requests').replaceChildren();
}
