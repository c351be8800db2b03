// Embeds the uploader in another site's page:
//   <script type="module" src="https://uploads.example/embed.js"></script>
// The frame comes after the tag, or into the element that `data-target` (a selector) names; its height follows its
// content. `data-server` names another server, `data-lang` and `data-theme` set language and colours. The frame
// dispatches `ossferry` events; see docs/embedding.md.
"use strict";

const here = new URL(import.meta.url);

function embed(script) {
  const server = new URL(script.dataset.server ?? here.origin).origin;
  const frame = document.createElement("iframe");
  const query = new URLSearchParams({ embed: location.origin });
  if (script.dataset.lang) query.set("lang", script.dataset.lang);
  frame.src = `${server}/?${query}`;
  frame.title = script.dataset.title ?? "Upload files";
  frame.allow = "clipboard-write; screen-wake-lock";
  Object.assign(frame.style, { inlineSize: "100%", blockSize: "460px", border: "0", colorScheme: "normal" });

  const tell = (command, value) => frame.contentWindow.postMessage({ ossferry: command, value }, server);
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== server || typeof data?.ossferry !== "string") return;
    if (data.ossferry === "height") frame.style.blockSize = `${data.value}px`;
    if (data.ossferry === "ready" && script.dataset.theme) tell("theme", script.dataset.theme);
    frame.dispatchEvent(new CustomEvent("ossferry", { bubbles: true, detail: { type: data.ossferry, value: data.value } }));
  });
  frame.ossferry = tell;
  const target = script.dataset.target && document.querySelector(script.dataset.target);
  if (target) target.append(frame);
  else if (document.head.contains(script)) document.body.append(frame); // nothing in a head is shown
  else script.after(frame);
}

for (const script of document.querySelectorAll("script[type=module]")) {
  if (script.src !== here.href || script.dataset.embedded) continue;
  script.dataset.embedded = "yes";
  embed(script);
}
