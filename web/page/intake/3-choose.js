// Files and folders that are chosen.
{
  const { fromHandle, take } = intake;

  const kinds = (accept) => {
    const wanted = {}; // {content type: endings}
    for (const each of accept.split(",").filter(Boolean)) {
      if (each.startsWith(".")) (wanted["application/octet-stream"] ??= []).push(each);
      else wanted[each] ??= [];
    }
    return accept ? [{ accept: wanted }] : [];
  };

  // The picker of File System Access gives handles; it does not exist on plain http or inside other sites.
  // A phone has more to offer in the plain one: its camera, and its photos.
  let plainly = matchMedia("(pointer: coarse)").matches;
  addEventListener("click", async (event) => {
    if (event.target.id !== "files" || plainly || !window.showOpenFilePicker) return;
    event.preventDefault();
    try {
      const handles = await showOpenFilePicker({ multiple: true, types: kinds(event.target.accept) });
      take(await Promise.all(handles.map((handle) => fromHandle(handle))));
    } catch (error) {
      if (error.name === "AbortError") return; // the person changed their mind
      plainly = true;
      event.target.click();
    }
  });

  addEventListener("change", ({ target }) => {
    if (target.id !== "files" && target.id !== "folder") return;
    take([...target.files]);
    target.value = "";
  });
}
