// The attributes of the element for the properties of the components.
const NAMES = {
  server: "server",
  label: "label",
  lang: "lang",
  theme: "theme",
  name: "name",
  required: "required",
  disabled: "disabled",
  accept: "accept",
  maxFiles: "max-files",
  maxFileSize: "max-file-size",
  folder: "folder",
  metadata: "metadata",
  reference: "reference",
  tags: "tags",
  storageClass: "storage-class",
  sameName: "same-name",
  manual: "manual",
};

export const PROPERTIES = Object.keys(NAMES);
export const EVENTS = ["ready", "progress", "upload", "removed", "done", "error"];

function text(value) {
  if (value === undefined || value === null || value === false) return undefined;
  if (value === true) return "";
  if (Array.isArray(value)) return value.join(",");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

// Returns {attribute: text} for all attributes; `undefined` removes an attribute.
export function attributes(properties) {
  return Object.fromEntries(PROPERTIES.map((name) => [NAMES[name], text(properties[name])]));
}
