// Every operation of the mock through ali-oss. Usage: node tour.mjs '{"port": …, "version": "v4", …}'
import assert from 'node:assert/strict';
import http from 'node:http';
import { Readable } from 'node:stream';
import OSS from 'ali-oss';

const { port, version, style, credentials, receiver, owner, role } = JSON.parse(process.argv[2]);
const NAME = 'tour-bucket';
const KEY = 'dir/名 +1&%.txt';
const PART = Buffer.alloc(102400, 'p');
const PICTURE = Buffer.from('R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAkQBADs=', 'base64');
const [accessKeyId, accessKeySecret, stsToken] = credentials;
const where = {
  region: 'oss-cn-hangzhou',
  authorizationV4: version === 'v4',
  // An IP endpoint makes ali-oss send "Host: bucket.oss-cn-hangzhou.aliyuncs.com".
  ...(style === 'path'
    ? { endpoint: `http://localhost:${port}`, sldEnable: true }
    : { endpoint: `http://127.0.0.1:${port}` }),
};
const store = new OSS({ ...where, accessKeyId, accessKeySecret, ...(stsToken ? { stsToken } : {}) });

// For an IP endpoint ali-oss signs for the bucket's own host, which fetch cannot set.
function download(url) {
  const headers = style === 'path' ? {} : { Host: `${NAME}.oss-cn-hangzhou.aliyuncs.com` };
  return new Promise((resolve, reject) => {
    http.get(url, { headers }, async (answer) => resolve(Buffer.concat(await answer.toArray()).toString()))
      .on('error', reject);
  });
}

async function objects() {
  const put = await store.put(KEY, Buffer.from('hello'), { meta: { a: '1' } });
  assert.equal(put.res.headers.etag, '"5D41402ABC4B2A76B9719D911017C592"');
  const got = await store.get(KEY);
  assert.equal(got.content.toString(), 'hello');
  assert.equal(got.res.headers['x-oss-meta-a'], '1');
  assert.equal((await store.head(KEY)).res.headers['content-length'], '5');
  assert.equal((await store.getObjectMeta(KEY)).res.headers['content-length'], '5');
  await assert.rejects(store.head('nothing'), { code: 'NoSuchKey' });
  assert.equal((await store.append('log', Buffer.from('12345'))).nextAppendPosition, '5');
  await store.append('log', Buffer.from('67890'), { position: 5 });
  await store.copy('copy', KEY);
  const listed = await store.listV2({ delimiter: '/' });
  assert.deepEqual(listed.objects.map((o) => o.name), ['copy', 'log']);
  assert.deepEqual(listed.prefixes, ['dir/']);
  assert.deepEqual((await store.list({ prefix: 'dir/' })).objects.map((o) => o.name), [KEY]);
  await store.delete('copy');
  const told = await store.put('told', Buffer.alloc(0), { callback: { url: receiver, body: 'key=${object}' } });
  assert.deepEqual(told.data, { ok: true });
  await store.delete('told');
  // A stream of a known size: ali-oss sends it in chunks, and Content-Length beside.
  await store.put('stream', Readable.from([Buffer.from('hello')]), { headers: { 'Content-Length': 5 } });
  assert.equal((await store.get('stream')).content.toString(), 'hello');
  await store.delete('stream');
  // ali-oss signs no V1 URL for an IP endpoint.
  if (version === 'v1' && style !== 'path') return;
  const url = version === 'v4' ? await store.signatureUrlV4('GET', 60, {}, 'log') : store.signatureUrl('log');
  assert.equal(await download(url), '1234567890');
}

async function details() {
  await store.putSymlink('link', 'log', { headers: {} });
  assert.equal((await store.getSymlink('link')).targetName, 'log');
  await store.putObjectTagging(KEY, { team: 'red' });
  assert.deepEqual((await store.getObjectTagging(KEY)).tag, { team: 'red' });
  await store.deleteObjectTagging(KEY);
  await store.put('picture', PICTURE);
  assert.equal((await store.processObjectSave('picture', 'picture', 'image/format,png')).status, 200);
  await store.delete('picture');
  await store.putACL(KEY, 'public-read');
  assert.equal((await store.getACL(KEY)).acl, 'public-read');
}

async function multipart() {
  const { uploadId } = await store.initMultipartUpload('big');
  const first = await store.uploadPart('big', uploadId, 1, PART, 0, PART.length);
  const second = await store.uploadPartCopy('big', uploadId, 2, '0-4', {
    sourceKey: KEY,
    sourceBucketName: NAME,
  });
  assert.deepEqual((await store.listUploads({ 'max-uploads': 10 })).uploads.map((u) => u.name), ['big']);
  const { parts } = await store.listParts('big', uploadId, { 'max-parts': 10 });
  assert.deepEqual(parts.map((p) => p.Size), ['102400', '5']);
  await store.completeMultipartUpload('big', uploadId, [
    { number: 1, etag: first.etag },
    { number: 2, etag: second.etag },
  ]);
  assert.equal((await store.get('big')).content.length, 102405);
  await store.multipartUpload('large', Buffer.alloc(300000, 'x'), { partSize: 102400, parallel: 2 });
  const begun = await store.initMultipartUpload('gone');
  await store.abortMultipartUpload('gone', begun.uploadId);
}

async function form() {
  const date = new Date();
  const stamp = date.toISOString().replace(/[-:]|\.\d+/g, '');
  const credential = `${accessKeyId}/${stamp.slice(0, 8)}/cn-hangzhou/oss/aliyun_v4_request`;
  const policy = {
    expiration: new Date(date.getTime() + 3600e3).toISOString(),
    conditions: [
      { bucket: NAME },
      ['starts-with', '$key', 'form/'],
      ...(version === 'v4'
        ? [
            { 'x-oss-signature-version': 'OSS4-HMAC-SHA256' },
            { 'x-oss-credential': credential },
            { 'x-oss-date': stamp },
          ]
        : []),
      ...(stsToken ? [{ 'x-oss-security-token': stsToken }] : []),
    ],
  };
  const fields = { key: 'form/${filename}', success_action_status: '201' };
  if (stsToken) fields['x-oss-security-token'] = stsToken;
  if (version === 'v4') {
    fields.policy = Buffer.from(JSON.stringify(policy), 'utf8').toString('base64');
    fields['x-oss-signature-version'] = 'OSS4-HMAC-SHA256';
    fields['x-oss-credential'] = credential;
    fields['x-oss-date'] = stamp;
    fields['x-oss-signature'] = store.signPostObjectPolicyV4(policy, date);
  } else {
    const signed = store.calculatePostSignature(policy);
    Object.assign(fields, signed);
  }
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.append(name, value);
  body.append('file', new Blob(['form data'], { type: 'text/plain' }), 'f.txt');
  const answer = await fetch(`http://127.0.0.1:${port}/${NAME}/`, { method: 'POST', body });
  assert.equal(answer.status, 201, await answer.text());
  assert.equal((await store.get('form/f.txt')).content.toString(), 'form data');
}

async function settings() {
  assert.equal((await store.getBucketInfo(NAME)).bucket.Name, NAME);
  assert.equal((await store.getBucketStat(NAME)).stat.ObjectCount, '6');
  assert.equal((await store.getBucketLocation(NAME)).location, 'oss-cn-hangzhou');
  await store.putBucketACL(NAME, 'public-read');
  assert.equal((await store.getBucketACL(NAME)).acl, 'public-read');
  await store.putBucketCORS(NAME, [{ allowedOrigin: '*', allowedMethod: 'PUT', exposeHeader: 'ETag' }]);
  assert.equal((await store.getBucketCORS(NAME)).rules[0].exposeHeader, 'ETag');
  await store.deleteBucketCORS(NAME);
  await store.putBucketLifecycle(NAME, [
    { id: 'r', prefix: 'uploads/', status: 'Enabled', abortMultipartUpload: { days: 1 }, expiration: { days: 30 } },
  ]);
  assert.equal((await store.getBucketLifecycle(NAME)).rules[0].id, 'r');
  await store.deleteBucketLifecycle(NAME);
  await store.putBucketReferer(NAME, true, ['http://*.example.com']);
  assert.deepEqual((await store.getBucketReferer(NAME)).referers, ['http://*.example.com']);
  await store.deleteBucketReferer(NAME);
  assert.deepEqual((await store.listChannels()).channels, []);
}

async function archive() {
  await store.put('cold', Buffer.from('hello'), { headers: { 'x-oss-storage-class': 'ColdArchive' } });
  const answer = await store.restore('cold', { type: 'ColdArchive', Days: 2, JobParameters: 'Expedited' });
  assert.equal(answer.res.status, 202);
}

async function versions() {
  await store.putBucketVersioning(NAME, 'Enabled');
  assert.equal((await store.getBucketVersioning(NAME)).versionStatus, 'Enabled');
  const stored = (await store.put(KEY, Buffer.from('hello'))).res.headers['x-oss-version-id'];
  const hidden = (await store.delete(KEY)).res.headers['x-oss-version-id'];
  assert.equal((await store.get(KEY, { versionId: stored })).content.toString(), 'hello');
  const found = await store.listObjectVersions({ prefix: 'dir/' });
  assert.deepEqual(found.objects.map((o) => [o.name, o.versionId, o.isLatest]), [[KEY, stored, false]]);
  assert.deepEqual(found.deleteMarker.map((o) => o.versionId), [hidden]);
  await store.deleteMulti([stored, hidden].map((versionId) => ({ key: KEY, versionId })));
}

// Its own client of STS signs in the older way only.
async function token() {
  const sts = new OSS.STS({ accessKeyId: owner[0], accessKeySecret: owner[1], endpoint: `http://127.0.0.1:${port}` });
  const { credentials: found } = await sts.assumeRole(role, '', 900, 'tour');
  const guest = new OSS({
    ...where,
    accessKeyId: found.AccessKeyId,
    accessKeySecret: found.AccessKeySecret,
    stsToken: found.SecurityToken,
  });
  guest.useBucket(NAME);
  assert.equal((await guest.head('log')).status, 200);
}

await store.putBucket(NAME);
store.useBucket(NAME);
assert.deepEqual((await store.listBuckets()).buckets.map((b) => b.name), [NAME]);
await objects();
await details();
await multipart();
await form();
await settings();
if (version === 'v1') await token();
await archive();
const all = (await store.listV2({ 'max-keys': 100 })).objects.map((o) => o.name);
await store.deleteMulti(all);
await versions();
await store.deleteBucket(NAME);
