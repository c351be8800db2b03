// All that the page keeps, in one file: each start needs the records and the tabs, and a file costs a request.
export * from "./records.js";
export * from "./tabs.js";
