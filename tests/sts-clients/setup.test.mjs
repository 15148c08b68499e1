/*
 * The official Node.js libraries of RAM and OSS, with the operations that `setup` uses, against the local RAM and the
 * rules of a local bucket.
 */

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { BUCKET, KEY, startSts } from './support.mjs'

const require = createRequire(import.meta.url)
const { default: Ram, ...models } = require('@alicloud/ram20150501')
const { $OpenApiUtil } = require('@alicloud/openapi-core')
const OSS = require('ali-oss')

const TRUST = JSON.stringify({
  Version: '1',
  Statement: [{ Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: ['fc.aliyuncs.com'] } }],
})
const policy = (prefix) => JSON.stringify({
  Version: '1',
  Statement: [{ Effect: 'Allow', Action: ['oss:PutObject'], Resource: [`acs:oss:*:*:${BUCKET}/${prefix}*`] }],
})

let cloud
before(async () => { cloud = await startSts() })
after(() => cloud.stop())

function ram() {
  return new Ram(new $OpenApiUtil.Config({
    accessKeyId: KEY.id, accessKeySecret: KEY.secret, protocol: 'http', endpoint: cloud.host,
  }))
}

const refused = (code) => (error) => {
  assert.equal(error.code, code, `${error.code}: ${error.message}`)
  return true
}

test('a role and a policy are made, joined and removed', async () => {
  const client = ram()
  const named = { roleName: 'node-signer' }
  const both = { policyName: 'node-policy', policyType: 'Custom' }
  await assert.rejects(client.getRole(new models.GetRoleRequest(named)), refused('EntityNotExist.Role'))
  const create = new models.CreateRoleRequest({ ...named, description: 'a role, 角色', assumeRolePolicyDocument: TRUST })
  const made = await client.createRole(create)
  assert.equal(made.body.role.arn, 'acs:ram::1234567890123456:role/node-signer')
  await assert.rejects(client.createRole(create), refused('EntityAlreadyExists.Role'))
  const read = await client.getRole(new models.GetRoleRequest(named))
  assert.equal(read.body.role.description, 'a role, 角色')

  await client.createPolicy(new models.CreatePolicyRequest({ policyName: both.policyName, policyDocument: policy('v1/') }))
  await client.createPolicyVersion(new models.CreatePolicyVersionRequest({
    policyName: both.policyName, policyDocument: policy('v2/'), setAsDefault: true,
  }))
  const attachment = { ...both, ...named }
  await client.attachPolicyToRole(new models.AttachPolicyToRoleRequest(attachment))
  const listed = await client.listPoliciesForRole(new models.ListPoliciesForRoleRequest(named))
  assert.deepEqual(listed.body.policies.policy.map((one) => one.policyName), [both.policyName])
  const current = await client.getPolicy(new models.GetPolicyRequest(both))
  assert.equal(current.body.defaultPolicyVersion.policyDocument, policy('v2/'))

  await assert.rejects(client.deleteRole(new models.DeleteRoleRequest(named)), refused('DeleteConflict.Role.Policy'))
  await client.detachPolicyFromRole(new models.DetachPolicyFromRoleRequest(attachment))
  const remove = new models.DeletePolicyRequest({ policyName: both.policyName })
  await assert.rejects(client.deletePolicy(remove), refused('DeleteConflict.Policy.Version'))
  const versions = await client.listPolicyVersions(new models.ListPolicyVersionsRequest(both))
  for (const one of versions.body.policyVersions.policyVersion.filter((version) => !version.isDefaultVersion)) {
    await client.deletePolicyVersion(new models.DeletePolicyVersionRequest({ policyName: both.policyName, versionId: one.versionId }))
  }
  await client.deletePolicy(remove)
  await client.deleteRole(new models.DeleteRoleRequest(named))
})

test('a document and a name that RAM does not accept are refused', async () => {
  for (const [code, policyName, policyDocument] of [
    ['MalformedPolicyDocument', 'p', '{}'],
    ['InvalidParameter.PolicyDocument.Length', 'p', policy('x'.repeat(6144))],
    ['InvalidParameter.PolicyName.InvalidChars', 'a.b', policy('a/')],
  ]) {
    await assert.rejects(ram().createPolicy(new models.CreatePolicyRequest({ policyName, policyDocument })), refused(code))
  }
})

for (const [version, options] of [['V1', {}], ['V4', { authorizationV4: true }]]) {
  const bucket = () => new OSS({
    accessKeyId: KEY.id, accessKeySecret: KEY.secret, bucket: BUCKET, region: 'oss-cn-hangzhou',
    // `localhost` is a name that is bound to the bucket; for a number the library would use the path style.
    endpoint: `http://${cloud.oss}`.replace('127.0.0.1', 'localhost'), cname: true, ...options,
  })

  test(`CORS rules are put, read and deleted with ${version}`, async () => {
    const client = bucket()
    await assert.rejects(client.getBucketCORS(BUCKET), refused('NoSuchCORSConfiguration'))
    const rule = {
      allowedOrigin: ['https://a.example', 'https://*.b.example'],
      allowedMethod: ['POST', 'PUT'],
      allowedHeader: '*',
      exposeHeader: ['ETag', 'x-oss-request-id'],
      maxAgeSeconds: '600',
    }
    await client.putBucketCORS(BUCKET, [rule])
    const { rules } = await client.getBucketCORS(BUCKET)
    assert.deepEqual(rules, [rule])
    await client.deleteBucketCORS(BUCKET)
    await assert.rejects(client.getBucketCORS(BUCKET), refused('NoSuchCORSConfiguration'))
  })

  test(`lifecycle rules are put, read and deleted with ${version}`, async () => {
    const client = bucket()
    await assert.rejects(client.getBucketLifecycle(BUCKET), refused('NoSuchLifecycle'))
    await client.putBucketLifecycle(BUCKET, [
      { id: 'parts', prefix: 'video/', status: 'Enabled', abortMultipartUpload: { days: 3 } },
    ])
    const { rules } = await client.getBucketLifecycle(BUCKET)
    assert.deepEqual(rules, [
      { id: 'parts', prefix: 'video/', status: 'Enabled', abortMultipartUpload: { days: '3' } },
    ])
    await client.deleteBucketLifecycle(BUCKET)
    await assert.rejects(client.getBucketLifecycle(BUCKET), refused('NoSuchLifecycle'))
  })

  test(`a bucket is described with ${version}`, async () => {
    const { bucket: described } = await bucket().getBucketInfo(BUCKET)
    assert.equal(described.Name, BUCKET)
    assert.equal(described.Location, 'oss-cn-hangzhou')
  })
}
