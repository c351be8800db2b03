// The head of the library's script, ossferry_uploader.js: gives the scripts that are loaded on demand an address, as
// boot.js does in the page. `web/library.py` replaces SCRIPTS by {name: text}.
"use strict";

{
  const scripts = SCRIPTS;
  const urls = {};
  const url = (name) => (urls[name] ??= URL.createObjectURL(new Blob([linked(scripts[name])], { type: "text/javascript" })));
  const linked = (text) => text.replace(/"\.\/([\w-]+)\.js"/g, (_all, name) => JSON.stringify(url(name)));
  self.ossferry ??= { url };
}
