// What the bench bundles: Uppy's Dashboard with its uploader for S3. Its options are the defaults,
// except that it sends the files without a click, as our page does.
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import Dashboard from "@uppy/dashboard";

async function signRequest({ method, key, contentType }) {
  const query = new URLSearchParams({ endpoint: asked.endpoint, method, key, type: contentType });
  return (await fetch(`/sign?${query}`)).json();
}

new Uppy({ autoProceed: true })
  .use(Dashboard, { inline: true, target: "#uppy", width: "100%", height: 600 })
  .use(AwsS3, { limit: parallel, signRequest });
