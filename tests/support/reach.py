"""Searches a page for secrets: in objects reachable from `window`, and in the JavaScript heap."""

import json
from collections.abc import Iterable
from typing import Any

from playwright.sync_api import Page

# Secrets are passed as character codes, so that this search itself puts no secret into a string of
# the page.
REACH = """async ({ codes, depth }) => {
  const secrets = codes.map((each) => String.fromCharCode(...each));
  const needles = codes.map((each) => Uint8Array.from(each));
  const holds = (bytes) => needles.some((needle) => {
    for (let at = bytes.indexOf(needle[0]); at >= 0; at = bytes.indexOf(needle[0], at + 1)) {
      if (needle.every((byte, offset) => bytes[at + offset] === byte)) return true;
    }
    return false;
  });
  const seen = new Set([secrets, needles, codes]);
  const found = [];
  let level = [["window", window]];
  for (let step = 0; step <= depth && level.length; step += 1) {
    const next = [];
    const add = (path, get) => {
      try { next.push([path, get()]); } catch { /* it may complain */ }
    };
    for (const [path, value] of level) {
      if (seen.size > 400_000) break;
      if (typeof value === "string") {
        if (secrets.some((secret) => value.includes(secret))) found.push(path);
      }
      if (Object(value) !== value || seen.has(value)) continue;
      seen.add(value);
      let buffer = value;
      if (ArrayBuffer.isView(value) || value instanceof WebAssembly.Memory) buffer = value.buffer;
      if (buffer instanceof ArrayBuffer && !seen.has(buffer)) {
        seen.add(buffer);
        if (holds(new Uint8Array(buffer))) found.push(path);
      }
      if (ArrayBuffer.isView(value)) continue;
      if (value instanceof Promise) {
        const take = (what) => add(`${path}.awaited`, () => what);
        value.then(take, take);
      }
      if (value instanceof Map || value instanceof Set) add(`${path}.entries`, () => [...value]);
      if (value instanceof WeakRef) add(`${path}.deref`, () => value.deref());
      const names = new Set();
      try {
        for (const name of Reflect.ownKeys(value)) names.add(name);
        if (!(value instanceof Node)) for (const name in value) names.add(name);
      } catch { /* a dict of Python with numbers as keys */ }
      for (const name of names) add(`${path}.${String(name)}`, () => value[name]);
    }
    await new Promise((done) => setTimeout(done, 20)); // for the promises
    level = next;
  }
  return found;
}"""
PLANT = """(codes) => {
  const secrets = codes.map((each) => String.fromCharCode(...each));
  window.planted = {
    text: secrets[0],
    list: [{ bytes: new TextEncoder().encode(secrets[1]) }],
    table: new Map([["later", Promise.resolve(secrets[2])]]),
  };
}"""
DEPTH = 8


def reached_from_window(page: Page, secrets: Iterable[str]) -> list[str]:
    """Return the paths from `window` to strings and bytes that contain one of the secrets.

    The search follows properties, DOM elements, entries of maps and sets, weak references, and
    values of resolved promises.
    """
    found: list[str] = page.evaluate(REACH, {"codes": _codes(secrets), "depth": DEPTH})
    return found


def plant(page: Page, secrets: Iterable[str]) -> None:
    """Put three secrets into the page that a search must find."""
    page.evaluate(PLANT, _codes(secrets))


def heap_strings_with(page: Page, secrets: Iterable[str]) -> list[str]:
    """Return the strings in the heap of a Chromium page that contain one of the secrets.

    Garbage is collected first. WASM memory consists of no strings and is not searched.
    """
    tools = page.context.new_cdp_session(page)
    chunks: list[str] = []
    tools.on("HeapProfiler.addHeapSnapshotChunk", lambda event: chunks.append(event["chunk"]))
    tools.send("HeapProfiler.enable")
    tools.send("HeapProfiler.collectGarbage")
    tools.send("HeapProfiler.takeHeapSnapshot", {"reportProgress": False})
    tools.detach()
    snapshot: dict[str, Any] = json.loads("".join(chunks))
    texts: list[str] = snapshot["strings"]
    wanted = {at for at, text in enumerate(texts) if any(secret in text for secret in secrets)}
    fields: list[str] = snapshot["snapshot"]["meta"]["node_fields"]
    name = fields.index("name")
    nodes: list[int] = snapshot["nodes"]
    return [texts[at] for at in nodes[name :: len(fields)] if at in wanted]


def _codes(secrets: Iterable[str]) -> list[list[int]]:
    return [list(secret.encode()) for secret in sorted(secrets)]
