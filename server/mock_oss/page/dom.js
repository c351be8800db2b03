// Small helpers of the page: elements, requests to the control plane, how sizes and times look.
export const $ = (id) => document.getElementById(id);

// All text goes in as text nodes.
export function el(name, props = {}, ...children) {
  const node = Object.assign(document.createElement(name), props);
  node.append(...children.filter((child) => child !== null && child !== ''));
  return node;
}

export async function api(path, options) {
  const answer = await fetch(`/_mock/${path}`, options);
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? `${path}: ${answer.status}`);
  return answer.status === 200 || answer.headers.get('Content-Type') ? answer.json() : null;
}

export const post = (path, body) => api(path, { method: 'POST', body: JSON.stringify(body) });

export function report(error) {
  $('alert').textContent = error ? `The mock does not answer: ${error.message}` : '';
  $('alert').hidden = !error;
}

export function bytes(count) {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (count >= 1024 && unit < 4) { count /= 1024; unit += 1; }
  return `${unit ? count.toFixed(1) : count} ${units[unit]}`;
}

export const counted = (count, noun) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

// Every time on the page is UTC by the mock's clock; the day is left out when it is today's.
export function moment(value) {
  const text = new Date(value).toISOString().replace('T', ' ').slice(0, 19);
  const today = $('clock').dateTime.slice(0, 10);
  return el('time', { dateTime: new Date(value).toISOString(), title: `${text} UTC` }, text.startsWith(today) ? text.slice(11) : text);
}

// A key may have 1,023 bytes: beginning and end are shown, and all of it on hovering.
export const key = (text) => el('span', { className: 'key', title: text },
  text.length > 76 ? `${text.slice(0, 34)}…${text.slice(-40)}` : text);
