// Runs the checks of photos in Pyodide, in a module worker as the page's own.

let python = null;

async function start() {
  const { loadPyodide } = await import("/pyodide/pyodide.mjs");
  const pyodide = await loadPyodide({ indexURL: "/pyodide/" });
  pyodide.unpackArchive(await (await fetch("/ossferry_checks.zip")).arrayBuffer(), "zip");
  self.ossferryChecks = { loadHeic: () => import("/heic/libheif-bundle.mjs") };
  pyodide.runPython(await (await fetch("/photos_worker.py")).text());
  for (const name of ["fetch", "XMLHttpRequest", "Worker"]) self[name] = undefined; // the page's worker has none of them
  return pyodide.globals.get("check");
}

onmessage = async ({ data: { name, content, options } }) => {
  try {
    python ??= await start();
    postMessage({ verdict: await python(name, content, options) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
