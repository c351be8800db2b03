// What the bench bundles: Uppy's Dashboard without an uploader, which is the least work it can have.
import Uppy from "@uppy/core";
import Dashboard from "@uppy/dashboard";

new Uppy().use(Dashboard, { inline: true, target: "#uppy", width: "100%", height: 600 });
document.documentElement.dataset.app = "ready";
