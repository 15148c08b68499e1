/*
 * The application that `oss-upload package` has written to target/app: what the registry reads, and what a
 * user gets for what they fill in, rendered by the CLI and started.
 *
 * The CLI deletes what it renders from, so it gets a copy each time.
 */

import { load } from 'js-yaml'
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { cp, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { REPOSITORY, cli, deployed, folder, runs, schema, start, stubbed } from './support.mjs'

const APPLICATION = join(REPOSITORY, 'target', 'app')
const KEY = '0123456789abcdef0123456789abcdef'

const publish = load(await readFile(join(APPLICATION, 'publish.yaml'), 'utf8'))
const { properties, required } = publish.Parameters

const publishComplaints = await schema('publish.schema.json')
const propsComplaints = await schema('fc3.schema.json')

/** What is wrong with answers, by the form's own rules, which the CLI does not enforce. */
function wrong(answers) {
  const missing = required.filter((name) => !(name in answers) && !('default' in properties[name]))
  const unknown = Object.keys(answers).filter((name) => !(name in properties))
  const unfit = Object.keys(answers).filter((name) => name in properties && !fits(properties[name], answers[name]))
  return [...missing, ...unknown, ...unfit]
}

function fits(parameter, value) {
  return parameter.enum ? parameter.enum.includes(value) : new RegExp(parameter.pattern, 'u').test(value)
}

/** Renders the application with answers, as a user's folder. */
async function render(context, answers) {
  const home = await folder(context)
  await cp(APPLICATION, join(home, 'app'), { recursive: true })
  const user = join(home, 'user')
  await runs(home, ['init', '--uri', join(home, 'app'), '-d', user, '--parameters', JSON.stringify(answers), '-a', 'default', '-y'])
  return { home, user }
}

/** Has a rendered application verified, previewed and deployed to our stub; returns what it was given. */
async function deploy({ home, user }) {
  const file = join(user, 's.yaml')
  const text = await readFile(file, 'utf8')
  assert.doesNotMatch(text, /\{\{|@version@|undefined|\.deploy/)
  await writeFile(file, stubbed(text))
  const preview = await runs(home, ['preview', '-t', 's.yaml'], { cwd: user })
  assert.doesNotMatch(preview, /\$\{/)
  await runs(home, ['verify', '-t', 's.yaml'], { cwd: user })
  await runs(home, ['deploy', '-t', 's.yaml', '-y'], { cwd: user })
  const props = await deployed(home)
  assert.deepEqual(propsComplaints(props), [])
  const size = Object.entries(props.environmentVariables).map(([name, value]) => Buffer.byteLength(name + value))
  assert.ok(size.reduce((sum, one) => sum + one) <= 4096, 'the platform takes 4 KB of variables')
  return props
}

async function sign(address, headers = {}) {
  const response = await fetch(`${address}/get_post_signature_for_oss_upload`, { headers })
  return { status: response.status, answer: await response.json() }
}

function jwt(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', KEY).update(signed).digest('base64url')}`
}

function ticket() {
  const env = { UPLOAD_TICKET_KEYS: KEY }
  return execFileSync(process.env.OSS_UPLOAD_BIN, ['ticket', '--sub', 'alice'], { env, encoding: 'utf8', timeout: 60_000 }).trim()
}

const PLACE = { role: 'oss-upload-signer', bucket: 'my-bucket' }
const soon = () => Math.floor(Date.now() / 1000) + 600

/** What somebody fills in, what then keeps a caller out and lets one in, and what is seen in the answer. */
const USERS = {
  'as little as possible': {
    answers: { ...PLACE, auth: 'anonymous' },
    seen: { host: 'https://my-bucket.oss-cn-hangzhou.aliyuncs.com', dir: /^uploads\/\d{4}\/\d\d\/\d\d\/[0-9a-f-]{36}\/$/ },
  },
  'a JWT': {
    answers: { ...PLACE, auth: 'jwt', jwtSecret: KEY, jwtIssuer: 'https://login.example.com/', jwtAudience: 'uploads' },
    refused: 401,
    caller: () => ({ authorization: `Bearer ${jwt({ sub: 'alice', iss: 'https://login.example.com/', aud: 'uploads', exp: soon() })}` }),
  },
  'a ticket, and one page': {
    answers: { ...PLACE, auth: 'all(origin, ticket)', ticketKeys: KEY, origins: 'https://app.example.com', maxSize: '2MiB', types: 'image/png, image/jpeg', expires: '90s' },
    refused: 403,
    caller: () => ({ origin: 'https://app.example.com', 'x-upload-ticket': ticket() }),
  },
  'a domain of the bucket, far away': {
    answers: { ...PLACE, role: 'acs:ram::1234567890123456:role/oss-upload-signer', region: 'ap-southeast-1', runtime: 'custom.debian12', functionName: 'uploads', auth: 'anonymous', uploadHost: 'https://files.example.com', dir: '' },
    seen: { host: 'https://files.example.com', dir: /^uploads\// },
  },
  'a Chinese directory': {
    answers: { ...PLACE, auth: 'anonymous', dir: '用户上传/{yyyy} 年/{uuid}/' },
    seen: { host: /oss-cn-hangzhou/, dir: /^用户上传\/\d{4} 年\/[0-9a-f-]{36}\/$/ },
  },
}

test('the registry can read it', () => {
  assert.deepEqual(publishComplaints(publish), [])
  assert.deepEqual(publishComplaints({ ...publish, Catgeory: 'a' }), [' must NOT have additional properties'])
})

test('the form is one that can be filled in', () => {
  for (const name of required) assert.ok(name in properties, name)
  for (const [name, parameter] of Object.entries(properties)) {
    const optional = !required.includes(name)
    assert.ok(!optional || 'default' in parameter, `${name} may be left out, and then nothing stands in its place`)
    const suggested = parameter.default?.replace('${default-suffix}', 'abcd')
    assert.ok(suggested === undefined || fits(parameter, suggested), `${name}: its own default does not fit`)
  }
})

test('who may ask has to be chosen', async (context) => {
  assert.ok(!('default' in properties.auth))
  assert.deepEqual(wrong(PLACE), ['auth'])
  const home = await folder(context)
  await cp(APPLICATION, join(home, 'app'), { recursive: true })
  const args = ['init', '--uri', join(home, 'app'), '-d', join(home, 'user'), '--parameters', JSON.stringify(PLACE), '-a', 'default', '-y']
  const { said } = await cli(home, args)
  assert.match(said, /parameter auth is required/)
})

test('nothing is taken that would end its place in the file, or be taken for a variable', () => {
  const free = Object.entries(properties).filter(([, parameter]) => parameter.pattern)
  for (const [name] of free) {
    for (const text of ["'", '"', '${env(1)}', '\n', `a'b`, `${KEY}'`, `${KEY}\${`, `a\nb/`, `image/'`]) {
      assert.deepEqual(wrong({ ...PLACE, auth: 'jwt', [name]: text }), [name], `${name} takes ${JSON.stringify(text)}`)
    }
  }
})

test('the built function goes along, and nothing is built', async (context) => {
  const { user } = await render(context, USERS['as little as possible'].answers)
  const text = await readFile(join(user, 's.yaml'), 'utf8')
  assert.equal(load(text).resources.signer.actions, undefined)
  for (const name of ['bootstrap', 'oss-upload-signer']) {
    const { mode } = await stat(join(user, 'code', name))
    assert.equal(mode & 0o777, 0o755, name)
  }
  assert.match(load(text).vars.functionName, /^oss-upload-signer-[a-z0-9]{1,4}$/)
})

for (const [who, { answers, refused, caller, seen }] of Object.entries(USERS)) {
  test(`from the form to a form that is signed: ${who}`, async (context) => {
    assert.deepEqual(wrong(answers), [])
    const rendered = await render(context, answers)
    const props = await deploy(rendered)
    const address = await start(context, join(rendered.user, 'code'), props)
    assert.equal((await fetch(`${address}/health`)).status, 200)
    for (const [path, method] of [['/initialize', 'POST'], ['/pre-stop', 'GET']]) {
      const headers = { 'x-fc-control-path': path, 'x-fc-request-id': '1-0-0-0' }
      assert.equal((await fetch(address + path, { method, headers })).status, 200, path)
    }
    if (refused) assert.equal((await sign(address)).status, refused)
    const { status, answer } = await sign(address, caller?.())
    assert.equal(status, 200, JSON.stringify(answer))
    for (const [field, value] of Object.entries(seen ?? {})) {
      if (value instanceof RegExp) assert.match(answer[field], value)
      else assert.equal(answer[field], value)
    }
  })
}

test('a token that was chosen without a key stops the start, and says what is missing', async (context) => {
  const rendered = await render(context, { ...PLACE, auth: 'jwt' })
  const props = await deploy(rendered)
  await assert.rejects(start(context, join(rendered.user, 'code'), props), /ended with 1: .*nothing was started\n +auth = "jwt": tokens need a key/)
})
