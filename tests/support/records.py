"""The upload records that a page keeps in its browser."""

import json

from playwright.sync_api import Page

PREFIX = "ossferry/"
NAMES = """() => new Promise((done) => {
  const opening = indexedDB.open("keyval-store");
  opening.onupgradeneeded = () => opening.transaction.abort();
  opening.onerror = () => done([]);
  opening.onsuccess = () => {
    const db = opening.result;
    const asked = db.transaction("keyval").objectStore("keyval").getAllKeys();
    asked.onsuccess = () => {
      db.close();
      done(asked.result.map(String));
    };
  };
})"""


def record_keys(page: Page) -> list[str]:
    """Return the keys of the uploads for which the browser has a record, sorted."""
    names: list[str] = page.evaluate(NAMES)
    return sorted(name.split("\n")[-1] for name in names if name.startswith(PREFIX))


def bytes_recorded(page: Page) -> int:
    """Return the bytes of all uploads that are sent according to their records."""
    texts: list[str] = page.evaluate(NAMES.replace("getAllKeys", "getAll"))
    return sum(json.loads(text)["sent"] for text in texts if '"sent"' in text)
