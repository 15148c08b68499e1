/** The client that Alibaba publishes for JavaScript: it signs a policy as we do, and the local OSS accepts its requests. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import OSS from 'ali-oss'
import { KEY, run, startEmulate } from './support.mjs'

const PLACE = ['--bucket', 'dev-bucket', '--region', 'cn-hangzhou']
const store = new OSS({
  accessKeyId: KEY.ALIBABA_CLOUD_ACCESS_KEY_ID,
  accessKeySecret: KEY.ALIBABA_CLOUD_ACCESS_KEY_SECRET,
  bucket: 'dev-bucket',
  region: 'oss-cn-hangzhou',
})

let cloud

before(async () => (cloud = await startEmulate()))
after(() => cloud?.stop())

async function sign(...options) {
  return JSON.parse(await run('sign', '--dialect', 'fields', ...PLACE, ...options)).fields
}

function decode(policy) {
  return JSON.parse(Buffer.from(policy, 'base64'))
}

/** Reads `20241127T060941Z`. */
function moment(text) {
  return new Date(text.replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'))
}

for (const options of [[], ['--dir', '用户/{uuid}/', '--filename', '照片 "1".png', '--size', '5'], ['--type', 'image/*', '--content-type', 'image/png']]) {
  test(`V4 is signed alike: ${options.join(' ') || 'nothing in particular'}`, async () => {
    const fields = await sign(...options)
    const policy = decode(fields.policy)
    assert.equal(Buffer.from(JSON.stringify(policy)).toString('base64'), fields.policy)
    assert.equal(store.signPostObjectPolicyV4(policy, moment(fields['x-oss-date'])), fields['x-oss-signature'])
  })
}

test('V1 is signed alike', async () => {
  const { policy, OSSAccessKeyId, Signature } = await sign('--v1', '--filename', '照片.png')
  assert.deepEqual(store.calculatePostSignature(decode(policy)), { policy, OSSAccessKeyId, Signature })
})

test('the local OSS takes a form that it signed', async () => {
  const now = new Date()
  const date = now.toISOString().replace(/[-:]|\.\d+/g, '')
  const fields = {
    key: 'by/ali-oss.txt',
    'x-oss-signature-version': 'OSS4-HMAC-SHA256',
    'x-oss-credential': `${KEY.ALIBABA_CLOUD_ACCESS_KEY_ID}/${date.slice(0, 8)}/cn-hangzhou/oss/aliyun_v4_request`,
    'x-oss-date': date,
  }
  const conditions = [{ bucket: 'dev-bucket' }, ...Object.entries(fields).map(([name, value]) => ({ [name]: value }))]
  const policy = { expiration: new Date(now.getTime() + 60_000).toISOString(), conditions }
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  form.append('policy', Buffer.from(JSON.stringify(policy)).toString('base64'))
  form.append('x-oss-signature', store.signPostObjectPolicyV4(policy, now))
  form.append('file', new Blob(['hallo']))
  const answer = await fetch(cloud.oss, { method: 'POST', body: form })
  assert.equal(answer.status, 204, await answer.text())
  assert.equal(await (await fetch(`${cloud.oss}/by/ali-oss.txt`)).text(), 'hallo')
})

/** The published client for objects of the local OSS. For a number as host it would not sign a URL. */
function objects(options) {
  const endpoint = cloud.oss.replace('127.0.0.1', 'localhost')
  return new OSS({ accessKeyId: KEY.ALIBABA_CLOUD_ACCESS_KEY_ID, accessKeySecret: KEY.ALIBABA_CLOUD_ACCESS_KEY_SECRET, bucket: 'dev-bucket', region: 'oss-cn-hangzhou', endpoint, cname: true, ...options })
}

for (const [version, options] of [['V1', {}], ['V4', { authorizationV4: true }]]) {
  test(`the local OSS takes the requests that it signs with ${version}`, async () => {
    const client = objects(options)
    const key = '图/a b+c%.txt'
    const put = await client.put(key, Buffer.from('hello world'), { mime: 'text/plain', meta: { author: 'foo' } })
    assert.equal(put.res.headers.etag, '"5EB63BBBE01EEED093CB22BB8F5ACDC3"')
    const head = await client.head(key)
    assert.deepEqual([head.status, head.meta.author, head.res.headers['content-type']], [200, 'foo', 'text/plain'])
    const got = await client.get(key, { headers: { Range: 'bytes=6-10' } })
    assert.deepEqual([got.res.status, got.content.toString()], [206, 'world'])
    await assert.rejects(objects({ ...options, accessKeySecret: 'another' }).get(key), { code: 'SignatureDoesNotMatch' })
    await client.delete(key)
    await assert.rejects(client.head(key), { status: 404 })
  })
}

test('the local OSS takes the URLs that it signs with V1 and V4', async () => {
  const client = objects()
  await client.put('signed.txt', Buffer.from('hello'), { mime: 'text/plain' })
  const disposition = 'attachment; filename="a b.txt"'
  for (const url of [
    client.signatureUrl('signed.txt', { expires: 60, response: { 'content-disposition': disposition } }),
    await client.signatureUrlV4('GET', 60, { queries: { 'response-content-disposition': disposition } }, 'signed.txt'),
  ]) {
    const answer = await fetch(url)
    assert.deepEqual([answer.status, await answer.text(), answer.headers.get('content-disposition')], [200, 'hello', disposition])
    const changed = await fetch(url.replace('attachment', 'inline'))
    assert.deepEqual([changed.status, changed.headers.get('x-oss-ec')], [403, '0002-00000040'])
  }
  const exact = await client.signatureUrlV4('PUT', 60, { headers: { 'Content-Length': '5' } }, 'exact.bin', ['content-length'])
  assert.equal((await fetch(exact, { method: 'PUT', body: Buffer.from('longer') })).status, 403)
  assert.equal((await fetch(exact, { method: 'PUT', body: Buffer.from('hello') })).status, 200)
})
