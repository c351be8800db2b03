// Why a request was refused: the reason, the policy statement, and the first differing byte.
import { el, post, report } from './dom.js';

const TOLD = new Set(['kind', 'cause', 'decision', 'policy', 'statement', 'action', 'resource', 'caller', 'evaluated', 'client_minus_server_s', 'expired_at', 'first_difference']);
const TEXTS = { string_to_sign: 'string to sign', canonical_request: 'canonical request' };

function difference({ expected, signed, line, offset }) {
  const marked = (text) => [el('mark', {}, text.slice(0, 1) || '␤'), text.slice(1)];
  return el('pre', {}, `line ${line}, byte ${offset}\nthe mock expects   `, ...marked(expected), '\nthe client signed  ', ...marked(signed));
}

function texts(why) {
  const found = [];
  for (const [name, label] of Object.entries(TEXTS)) {
    const shown = ['expected', 'signed'].filter((whose) => why[`${whose}_${name}`] !== undefined);
    if (!shown.length) continue;
    found.push(el('details', {}, el('summary', {}, `The ${label}${shown.length > 1 ? ', expected and signed' : ''}`),
      ...shown.flatMap((whose) => [el('h4', {}, whose === 'expected' ? 'expected by the mock' : 'signed by the client'), el('pre', {}, why[`${whose}_${name}`])])));
  }
  return found;
}

function comparison(record) {
  const text = el('textarea', { rows: 4, spellcheck: false, ariaLabel: 'Text that the client signed', placeholder: 'Paste the canonical request or the string to sign from the debug log of your client.' });
  const answer = el('div', {});
  const button = el('button', { type: 'button' }, 'Compare');
  button.addEventListener('click', () => post(`requests/${record.number}/compare`, { signed: text.value })
    .then((found) => answer.replaceChildren(found.in ? difference(found) : el('p', {}, 'Both texts are the same, so the secret is different.')))
    .catch(report));
  return el('div', { className: 'compare' }, text, button, answer);
}

function policy(record) {
  const why = record.why;
  const place = why.policy ? `a statement of ${why.policy}` : `no statement of ${why.evaluated ?? 'any policy'}`;
  const said = [el('p', {}, `${why.caller} requested ${why.action} on ${why.resource ?? `${record.bucket}/${record.key}`}: ${why.decision}, by ${place}.`)];
  if (why.statement) said.push(el('pre', {}, JSON.stringify(JSON.parse(why.statement), null, 2)));
  return said;
}

export function explain(record) {
  const why = record.why;
  const parts = [el('p', {}, el('b', {}, record.code), ` ${record.message}`)];
  if (why.cause) parts.push(el('p', {}, why.kind === 'fault' ? 'This error is a planned fault.' : `Cause: ${why.cause}.`));
  if (why.kind === 'policy' && why.decision) parts.push(...policy(record));
  if (why.kind === 'form policy' && why.statement) parts.push(el('p', {}, `The policy of the form requires ${why.statement}; the form has ${JSON.stringify(why.field ?? null)}.`));
  const off = why.client_minus_server_s;
  if (off !== undefined) parts.push(el('p', {}, `The client's clock is ${Math.abs(off)} s ${off < 0 ? 'behind' : 'ahead of'} the mock's.`));
  if (why.expired_at) parts.push(el('p', {}, `It expired at ${why.expired_at}.`));
  if (why.first_difference) parts.push(difference(why.first_difference));
  else if (why.expected_string_to_sign !== undefined && record.operation !== 'AssumeRole') parts.push(comparison(record));
  parts.push(...texts(why));
  const rest = Object.entries(why).filter(([name]) => !TOLD.has(name) && !/^(expected|signed)_/.test(name) && !(why.kind === 'form policy' && name === 'field'));
  if (rest.length) parts.push(el('pre', {}, JSON.stringify(Object.fromEntries(rest), null, 2)));
  return el('div', { className: 'why' }, ...parts);
}
