// What the bench bundles: Uppy's core with its uploader for S3, and without a list. Its options are
// the defaults; the page's server signs a URL for each file.
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";

async function signRequest({ method, key, contentType }) {
  const query = new URLSearchParams({ endpoint: asked.endpoint, method, key, type: contentType });
  return (await fetch(`/sign?${query}`)).json();
}

const uppy = new Uppy().use(AwsS3, { limit: parallel, signRequest });
window.sendAll = async (files) => {
  uppy.addFiles(files.map((file) => ({ name: file.name, type: file.type, data: file })));
  const { failed } = await uppy.upload();
  if (failed.length) throw new Error(failed[0].error);
};
