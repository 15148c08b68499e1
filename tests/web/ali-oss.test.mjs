/** The signer that Alibaba publishes for JavaScript, on the same policy, with the same key, at the same moment: the same signature. */

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
