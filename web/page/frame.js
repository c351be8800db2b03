// The inner side of embed.js: messages to and from the page that embeds this one, and no other. The server's
// `frame-ancestors` limits who can embed it; with a wrong `embed` in the address no message arrives.

const outside = new URLSearchParams(location.search).get("embed");

export const tell = (message) => parent.postMessage(JSON.parse(message), outside);

export function start(receive) {
  addEventListener("message", ({ source, origin, data }) => {
    if (source === parent && origin === outside && typeof data?.ossferry === "string") {
      receive(data.ossferry, String(data.value ?? ""));
    }
  });
  const main = document.getElementById("main");
  new ResizeObserver(() => tell(JSON.stringify({ ossferry: "height", value: Math.ceil(main.scrollHeight) }))).observe(main);
}
