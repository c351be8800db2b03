// What the bench bundles: react-spreadsheet-import, with rules that find the same problems as the model of
// table_repair_bench.py. `sendAll` gives it a file as a person does, and presses the buttons of each step, until it shows
// only the rows with problems.
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { ReactSpreadsheetImport } from "react-spreadsheet-import";

const required = { rule: "required", errorMessage: "required" };
const matches = (value) => ({ rule: "regex", value, errorMessage: "wrong" });
const field = (key, validations, fieldType = { type: "input" }) => ({ key, label: key, fieldType, validations });
const options = ["new", "paid", "sent"].map((value) => ({ value, label: value }));
const fields = [
  field("id", [required]),
  field("day", [matches("^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])$")]),
  field("customer", [required]),
  field("status", [required], { type: "select", options }), // it drops a value that is no option
  field("amount", [matches("^[+-]?\\d+(\\.\\d+)?$")]),
  field("note", []),
];
const props = { isOpen: true, onClose() {}, onSubmit() {}, fields, autoMapSelectValues: true };
createRoot(document.getElementById("import")).render(createElement(ReactSpreadsheetImport, props));

const frame = () => new Promise(requestAnimationFrame);
async function shown(selector, text = "") {
  for (;;) {
    const found = [...document.querySelectorAll(selector)].find(({ textContent }) => textContent.startsWith(text));
    if (found) return found;
    await frame();
  }
}
const next = async () => (await shown("footer button", "Next")).click();

window.sendAll = async ([file]) => {
  const input = await shown("[data-testid=rsi-dropzone]");
  const given = new DataTransfer();
  given.items.add(file);
  input.files = given.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  await shown("h2", "Select header row");
  await next();
  await shown("[data-testid=accordion-button]"); // the columns are matched
  bench.opened = performance.now();
  await next();
  await shown("h2", "Validate data");
  (await shown(".chakra-switch__input")).click(); // "Show only rows with errors"
  await frame();
  await frame();
  bench.problems = (await shown("[role=grid]")).ariaRowCount - 1; // without the header
};
