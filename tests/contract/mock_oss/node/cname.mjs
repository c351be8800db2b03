// An upload and a signed download at a custom domain. Usage: node cname.mjs '{"port": …, "domain": …}'
import assert from 'node:assert/strict';
import http from 'node:http';
import OSS from 'ali-oss';

const { port, version, domain, bucket, credentials } = JSON.parse(process.argv[2]);
const [accessKeyId, accessKeySecret] = credentials;
const store = new OSS({
  endpoint: `http://${domain}:${port}`,
  cname: true,
  region: 'oss-cn-hangzhou',
  bucket,
  authorizationV4: version === 'v4',
  accessKeyId,
  accessKeySecret,
});
const KEY = 'dir/a b.txt';

await store.put(KEY, Buffer.from('hello'));
assert.equal((await store.get(KEY)).content.toString(), 'hello');
const url = version === 'v4' ? await store.signatureUrlV4('GET', 60, {}, KEY) : store.signatureUrl(KEY);
assert.equal(new URL(url).host, `${domain}:${port}`);
const read = await new Promise((resolve, reject) => {
  http.get(url, async (answer) => resolve(Buffer.concat(await answer.toArray()).toString())).on('error', reject);
});
assert.equal(read, 'hello');
