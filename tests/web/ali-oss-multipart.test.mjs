/** The client that Alibaba publishes for JavaScript uploads large files to the local OSS, with the keys of a narrowed session. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import OSS from 'ali-oss'
import { KEY, startEmulate } from './support.mjs'

const ROLE_ARN = 'acs:ram::1234567890123456:role/oss-uploader'
const PART = 100 * 1024
const PREFIX = 'users/alice/'

let cloud

before(async () => (cloud = await startEmulate(['--sts-port', '0'], ['sts'])))
after(() => cloud?.stop())

/** Assumes the role for one folder and for what an upload needs. */
async function session() {
  const sts = new OSS.STS({ accessKeyId: KEY.ALIBABA_CLOUD_ACCESS_KEY_ID, accessKeySecret: KEY.ALIBABA_CLOUD_ACCESS_KEY_SECRET })
  sts.options.endpoint = cloud.sts
  const policy = {
    Version: '1',
    Statement: [{ Effect: 'Allow', Action: ['oss:PutObject', 'oss:AbortMultipartUpload', 'oss:ListParts'], Resource: [`acs:oss:*:*:dev-bucket/${PREFIX}*`] }],
  }
  return (await sts.assumeRole(ROLE_ARN, policy, 900, 'tests')).credentials
}

/** The published client with these keys. For a number as host it would use another form of address. */
async function client(options, refreshed = []) {
  const { AccessKeyId, AccessKeySecret, SecurityToken } = await session()
  const refreshSTSToken = async () => {
    refreshed.push(true)
    return session()
  }
  const endpoint = cloud.oss.replace('127.0.0.1', 'localhost')
  return new OSS({
    accessKeyId: AccessKeyId, accessKeySecret: AccessKeySecret, stsToken: SecurityToken, refreshSTSToken,
    bucket: 'dev-bucket', region: 'oss-cn-hangzhou', endpoint, cname: true, ...options,
  })
}

/** The client with the key of the account, which may read. */
function reader() {
  const endpoint = cloud.oss.replace('127.0.0.1', 'localhost')
  return new OSS({ accessKeyId: KEY.ALIBABA_CLOUD_ACCESS_KEY_ID, accessKeySecret: KEY.ALIBABA_CLOUD_ACCESS_KEY_SECRET, bucket: 'dev-bucket', region: 'oss-cn-hangzhou', endpoint, cname: true })
}

for (const [version, options] of [['V1', {}], ['V4', { authorizationV4: true }]]) {
  test(`multipartUpload signed with ${version} sends parts in parallel with refreshed keys`, async () => {
    const refreshed = []
    const store = await client({ ...options, refreshSTSTokenInterval: 0 }, refreshed)
    const content = randomBytes(5 * PART + 1)
    const key = `${PREFIX}视频 ${version}.mp4`
    const steps = []
    const done = await store.multipartUpload(key, content, {
      partSize: PART, parallel: 3, mime: 'video/mp4', meta: { author: 'foo' },
      progress: (part) => steps.push(part),
    })
    assert.match(done.etag, /^"[0-9A-F]{32}-6"$/)
    assert.equal(steps.at(-1), 1)
    assert.ok(refreshed.length > 0)
    const got = await reader().get(key)
    assert.ok(got.content.equals(content))
    assert.equal(got.res.headers['x-oss-meta-author'], 'foo')
  })

  test(`multipartUpload signed with ${version} resumes from a checkpoint of another client`, async () => {
    const content = randomBytes(4 * PART)
    const key = `${PREFIX}resumed-${version}.bin`
    const first = await client(options)
    let checkpoint
    const cut = first.multipartUpload(key, content, {
      partSize: PART, parallel: 1,
      progress: (_, state) => {
        checkpoint = state
        if (state.doneParts.length === 2) first.cancel()
      },
    })
    await assert.rejects(cut, { name: 'cancel' })
    assert.equal(checkpoint.doneParts.length, 2)
    const second = await client(options)
    const sent = []
    await second.multipartUpload(key, content, { checkpoint, progress: (_, state) => state && sent.push(state.doneParts.length) })
    // The last report, after the parts were joined, has no checkpoint.
    assert.deepEqual(sent, [3, 4])
    assert.ok((await reader().get(key)).content.equals(content))
  })

  test(`put signed with ${version} is limited to the folder of the session`, async () => {
    const store = await client(options)
    const put = await store.put(`${PREFIX}small.txt`, Buffer.from('hello'), { mime: 'text/plain' })
    assert.equal(put.res.status, 200)
    for (const call of [() => store.put('users/bob/small.txt', Buffer.from('hello')), () => store.initMultipartUpload('users/bob/large.bin')]) {
      await assert.rejects(call, { code: 'AccessDenied', status: 403 })
    }
    const absent = store.abortMultipartUpload(`${PREFIX}small.txt`, '0004B9894A22E5B1888A1E29F8236E2D')
    await assert.rejects(absent, { code: 'NoSuchUpload', status: 404 })
  })
}
