// The attributes of the element for the properties of the components.
import { OssFerry } from "./embed.js";

const camelCase = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
const NAMES = Object.fromEntries([...OssFerry.observedAttributes, "disabled"].map((name) => [camelCase(name), name]));

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
