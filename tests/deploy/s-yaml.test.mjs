/*
 * The repository's s.yaml: what our schema, and the CLI with our schema, make of it.
 */

import { load } from 'js-yaml'
import assert from 'node:assert/strict'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { REPOSITORY, cli, deployed, fails, folder, runs, schema, stubbed } from './support.mjs'

const CHOSEN = { OSS_BUCKET: 'my-bucket', UPLOAD_AUTH: 'ticket', UPLOAD_TICKET_KEYS: '0123456789abcdef0123456789abcdef' }

const yaml = await readFile(join(REPOSITORY, 's.yaml'), 'utf8')
const complaints = await schema('fc3.schema.json')

/** Takes the marks of the variant away that begins with a line, and the line that it stands for. */
function variant(beginning, instead = '') {
  const lines = yaml.replace(instead, '').split('\n')
  const start = lines.findIndex((line) => line.trim() === `#| ${beginning}`)
  assert.notEqual(start, -1)
  let end = start
  while (lines[end]?.trim().startsWith('#| ')) end += 1
  return lines.map((line, at) => (at >= start && at < end ? line.replace('#| ', '') : line)).join('\n')
}

/** A home with one deployment in it. */
async function homeWith(context, text) {
  const home = await folder(context)
  await writeFile(join(home, 's.yaml'), text)
  return home
}

const VERIFY = ['verify', '-t', 's.yaml']

test('the guard sees who asks the network', async (context) => {
  const { code, asked } = await cli(await homeWith(context, yaml), VERIFY, { variables: CHOSEN })
  assert.notEqual(code, 0)
  assert.notEqual(asked, '')
})

test('the CLI resolves it', async (context) => {
  const home = await homeWith(context, yaml)
  const said = await runs(home, ['preview', '-t', 's.yaml'], { variables: CHOSEN })
  assert.match(said, /OSS_BUCKET: +my-bucket/)
  assert.doesNotMatch(said, /\$\{/)
})

test('what has to be chosen has no default', async (context) => {
  const home = await homeWith(context, yaml)
  for (const name of ['OSS_BUCKET', 'UPLOAD_AUTH']) {
    const said = await fails(home, ['preview', '-t', 's.yaml'], { variables: { ...CHOSEN, [name]: '' } })
    assert.match(said, new RegExp(`env\\('${name}'\\) not found`))
  }
})

test('the CLI verifies it', async (context) => {
  const said = await runs(await homeWith(context, stubbed(yaml)), VERIFY, { variables: CHOSEN })
  assert.match(said, /passed/)
})

for (const [what, right, wrong, complaint] of [
  ['a property', 'memorySize: 128', 'memorysize: 128', /additional properties/],
  ['a property of the runtime', '        port: 9000', '        prot: 9000', /additional properties/],
  ['a property of a hook', '          timeout: 10', '          timeOut: 10', /additional properties/],
  ['a property of the trigger', 'disableURLInternet: false', 'disableUrlInternet: false', /additional properties/],
  ['a method', '- OPTIONS', '- OPTION', /allowed values|equal to constant|contain/],
  ['a kind of runtime', "${env('FC_RUNTIME', 'custom.debian10')}", 'custom.debian13', /allowed values/],
  ['a memory that the processor does not carry', 'memorySize: 128', 'memorySize: 512', /memorySize must be <= 409/],
  ['a hook that takes too long', 'handler: pre-stop\n          timeout: 10', 'handler: pre-stop\n          timeout: 91', /<= 90/],
  ['a variable that the platform keeps for itself', '        UPLOAD_DIR:', '        FC_UPLOAD_DIR:', /pattern|invalid/],
]) {
  test(`a slip is found: ${what}`, async (context) => {
    const slipped = yaml.replace(right, wrong)
    assert.notEqual(slipped, yaml)
    assert.match(await fails(await homeWith(context, stubbed(slipped)), VERIFY, { variables: CHOSEN }), complaint)
  })
}

test('nothing but what the CLI knows stands outside of the properties', () => {
  const { resources, ...rest } = load(yaml)
  assert.deepEqual(Object.keys(rest), ['edition', 'name', 'access', 'vars'])
  assert.deepEqual(Object.keys(resources), ['signer'])
  assert.deepEqual(Object.keys(resources.signer), ['component', 'actions', 'props'])
})

test('the schema holds memory to one to four GB for each core', async () => {
  const { anyOf } = JSON.parse(await readFile(new URL('fc3.schema.json', import.meta.url), 'utf8'))
  for (const { properties: { cpu, memorySize } } of anyOf) {
    assert.equal(memorySize.minimum, Math.ceil(cpu.const * 1024))
    assert.equal(memorySize.maximum, Math.floor(cpu.const * 4096))
  }
})

test('the variant with a JWT at the gate is right when it is uncommented', async (context) => {
  const text = variant('authType: jwt', '            authType: anonymous\n')
  assert.equal(load(text).resources.signer.props.triggers[0].triggerConfig.authType, 'jwt')
  await runs(await homeWith(context, stubbed(text)), VERIFY, { variables: CHOSEN })
})

test('the variant with a domain of its own is right when it is uncommented', async (context) => {
  const text = variant('customDomain:').replace(/ {4}actions:\n( {6,}.*\n)+/, '')
  const home = await homeWith(context, stubbed(text))
  const pem = (label) => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`
  await writeFile(join(home, 'certificate.pem'), pem('CERTIFICATE'))
  await writeFile(join(home, 'private-key.pem'), pem('PRIVATE KEY'))
  await runs(home, VERIFY, { variables: CHOSEN })
  await runs(home, ['deploy', '-t', 's.yaml', '-y'], { variables: CHOSEN })
  const { customDomain } = await deployed(home)
  assert.equal(customDomain.domainName, 'upload.example.com')
  assert.equal(customDomain.certConfig.privateKey, pem('PRIVATE KEY'))
})

test('a deploy builds the function first, and hands over what was chosen', async (context) => {
  const home = await folder(context)
  // Beside the real one, for what it builds and deploys is found from where it lies.
  const file = join(REPOSITORY, '.s.test.yaml')
  context.after(() => rm(file, { force: true }))
  await writeFile(file, stubbed(yaml))
  await rm(join(REPOSITORY, 'code'), { recursive: true, force: true })
  // The home is the test's, and Rust lies in the real one.
  const rust = {
    CARGO_HOME: process.env.CARGO_HOME ?? join(homedir(), '.cargo'),
    RUSTUP_HOME: process.env.RUSTUP_HOME ?? join(homedir(), '.rustup'),
  }
  await runs(home, ['deploy', '-t', file, '-y'], { cwd: REPOSITORY, variables: { ...CHOSEN, ...rust }, patience: 540_000 })
  for (const name of ['bootstrap', 'oss-upload-signer']) {
    const { mode } = await stat(join(REPOSITORY, 'code', name))
    assert.equal(mode & 0o777, 0o755, name)
  }
  const props = await deployed(home)
  assert.deepEqual(complaints(props), [])
  assert.equal(props.environmentVariables.UPLOAD_AUTH, 'ticket')
  assert.equal(props.environmentVariables.UPLOAD_ORIGINS, '')
})
