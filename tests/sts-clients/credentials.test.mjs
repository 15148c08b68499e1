/*
 * The official Node.js library as a client of the local STS: what it builds and signs is its own.
 *
 * It speaks https to STS only, so its last step, the sending, is told to use http; that is the seam
 * which its own tests use too. Nothing that is signed depends on it.
 */

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { KEY, ROLE_ARN, startSts } from './support.mjs'

const require = createRequire(import.meta.url)
const library = (name) => require(`@alicloud/credentials/dist/src/providers/${name}.js`)
const { default: RamRoleArn } = library('ram_role_arn')
const { default: OidcRoleArn } = library('oidc_role_arn')
const { default: StaticAk } = library('static_ak')
const { default: StaticSts } = library('static_sts')
const { default: Uri } = library('uri')
const { doRequest } = library('http')

const POLICY = JSON.stringify({
  Version: '1',
  Statement: [{ Effect: 'Allow', Action: ['oss:PutObject'], Resource: ["acs:oss:*:*:examplebucket/用户 dir/~a+b%20(1)!'*"] }],
})

let sts
before(async () => { sts = await startSts() })
after(() => sts.stop())

function overHttp(provider) {
  provider.doRequest = (request) => doRequest(Object.assign(request, { protocol: 'http' }))
  return provider
}

function user(secret = KEY.secret) {
  return StaticAk.builder().withAccessKeyId(KEY.id).withAccessKeySecret(secret).build()
}

function session(keys) {
  return StaticSts.builder()
    .withAccessKeyId(keys.accessKeyId).withAccessKeySecret(keys.accessKeySecret).withSecurityToken(keys.securityToken).build()
}

function role(caller, host = sts.host) {
  return RamRoleArn.builder().withCredentialsProvider(caller).withRoleArn(ROLE_ARN).withStsEndpoint(host)
}

function get(builder) {
  return overHttp(builder.build()).getCredentials()
}

function isTemporary(keys) {
  assert.match(keys.accessKeyId, /^STS\./)
  assert.ok(keys.accessKeySecret && keys.securityToken)
}

test('a role is assumed', async () => {
  isTemporary(await get(role(user())))
})

test('a role is assumed with every option, and a policy that is hard to encode', async () => {
  isTemporary(await get(role(user()).withPolicy(POLICY).withExternalId('ext-ID_1,a@b:c/d=e.f').withDurationSeconds(900).withRoleSessionName('a@session')))
})

test('a role is assumed with temporary keys', async () => {
  isTemporary(await get(role(session(await get(role(user()))))))
})

test('a wrong secret is found out from what the STS says it signed', async () => {
  // The library compares that with its own; only equal texts make it blame the secret.
  await assert.rejects(get(role(user('wrong'))), /the access key secret is invalid/)
})

test('temporary keys that have expired are refused', async () => {
  // Issued by a clock that is behind and used by one that is ahead, they live too short.
  const hasty = await startSts(['assume-role:clock=-600', 'assume-role:clock=600'])
  try {
    const keys = await get(role(user(), hasty.host).withDurationSeconds(900))
    await assert.rejects(get(role(session(keys), hasty.host)), /InvalidSecurityToken\.Expired/)
  } finally {
    await hasty.stop()
  }
})

test('throttling is reported as such', async () => {
  const busy = await startSts(['throttle-429=500'])
  try {
    await assert.rejects(get(role(user(), busy.host)), /Throttling\.User/)
    isTemporary(await get(role(user(), busy.host)))
  } finally {
    await busy.stop()
  }
})

test('the credentials URI gives keys that can assume the role', async () => {
  const provider = Uri.builder().withCredentialsURI(`http://${sts.host}/credentials`).build()
  const keys = await provider.getCredentials()
  isTemporary(keys)
  isTemporary(await get(role(session(keys))))
})

test('a call with an OIDC token is understood', async (context) => {
  const { mkdtemp, rm, writeFile } = await import('node:fs/promises')
  const folder = await mkdtemp('/tmp/oss-upload-oidc-')
  context.after(() => rm(folder, { recursive: true }))
  await writeFile(`${folder}/token`, 'aaa.bbb.ccc')
  const provider = OidcRoleArn.builder()
    .withOIDCProviderArn('acs:ram::1234567890123456:oidc-provider/none').withOIDCTokenFilePath(`${folder}/token`)
    .withRoleArn(ROLE_ARN).withStsEndpoint(sts.host).build()
  await assert.rejects(overHttp(provider).getCredentials(), /AuthenticationFail\.NoPermission/)
})
