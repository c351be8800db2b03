// Helpers of the page: DOM elements, requests to the control plane, formats of sizes and times.
export const $ = (id) => document.getElementById(id);

// Strings become text nodes, never HTML.
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
  $('alert').textContent = error ? `The mock does not respond: ${error.message}` : '';
  $('alert').hidden = !error;
}

export function bytes(count) {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (count >= 1024 && unit < 4) { count /= 1024; unit += 1; }
  return `${unit ? count.toFixed(1) : count} ${units[unit]}`;
}

export const counted = (count, noun) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

// Times are in UTC. The date is omitted if it is the current date of the mock's clock.
export function moment(value) {
  const text = new Date(value).toISOString().replace('T', ' ').slice(0, 19);
  const today = $('clock').dateTime.slice(0, 10);
  return el('time', { dateTime: new Date(value).toISOString(), title: `${text} UTC` }, text.startsWith(today) ? text.slice(11) : text);
}

// A key may have 1,023 bytes: show its start and end, and the whole key in a tooltip.
export const key = (text) => el('span', { className: 'key', title: text },
  text.length > 76 ? `${text.slice(0, 34)}…${text.slice(-40)}` : text);
