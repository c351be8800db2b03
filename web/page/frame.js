// The inner side of embed.js: talks to the one page that this one was embedded by, and to no other.
// The server's `frame-ancestors` decides who that can be; a wrong `embed` in the address reaches nobody.

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
