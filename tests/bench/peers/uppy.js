// What the bench bundles: Uppy with its uploader for S3. Its options are the defaults; the page's
// server signs a URL for each file. The page with `#uppy` shows the Dashboard, and sends the files
// without a click, as our page does; with `?tasks=1`, it has fields and keeps files over a reload.
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import Dashboard from "@uppy/dashboard";
import GoldenRetriever from "@uppy/golden-retriever";

async function signRequest({ method, key, contentType }) {
  const query = new URLSearchParams({ endpoint: asked.endpoint, method, key, type: contentType });
  return (await fetch(`/sign?${query}`)).json();
}

const target = document.getElementById("uppy");
const uppy = new Uppy({ autoProceed: target !== null && !asked.tasks });
const metaFields = ["Name", "Description"].map((name) => ({ id: name.toLowerCase(), name }));
const shown = { inline: true, target, width: "100%", height: 600 };
if (target) uppy.use(Dashboard, asked.tasks ? { ...shown, metaFields } : shown);
if (asked.tasks) uppy.use(GoldenRetriever);
uppy.use(AwsS3, { limit: parallel, signRequest });
window.sendAll = async (files) => {
  uppy.addFiles(files.map((file) => ({ name: file.name, type: file.type, data: file })));
  const { failed } = await uppy.upload();
  if (failed.length) throw new Error(failed[0].error);
};
