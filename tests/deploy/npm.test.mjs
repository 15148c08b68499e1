/*
 * The tool as npm packages: written by `oss-upload package --npm`, packed, installed into an empty folder without the
 * network, and started.
 */

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'

const TOOL = process.env.OSS_UPLOAD_BIN
const PLATFORM = `oss-upload-cli-${process.platform}-${process.arch}`
const LIMIT_MS = 120_000
const run = promisify(execFile)

let top, user

/** What npm needs of this machine: no account, no settings, and no network. */
function environment() {
  return { PATH: process.env.PATH, HOME: top, npm_config_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false' }
}

function runs(file, args, cwd) {
  return run(file, args, { cwd, env: environment(), timeout: LIMIT_MS, killSignal: 'SIGKILL' })
}

before(async () => {
  top = await mkdtemp(join(tmpdir(), 'oss-upload-npm-'))
  user = join(top, 'user')
  await mkdir(user)
  await runs(TOOL, ['package', '--npm', '--out', top], top)
  assert.deepEqual((await readdir(join(top, 'npm'))).sort(), ['oss-upload-cli', PLATFORM])
  const tarballs = []
  for (const name of ['oss-upload-cli', PLATFORM]) {
    const { stdout } = await runs('npm', ['pack', '--silent', '--pack-destination', top], join(top, 'npm', name))
    tarballs.push(join(top, stdout.trim()))
  }
  await writeFile(join(user, 'package.json'), '{ "name": "user", "private": true }')
  await runs('npm', ['install', '--silent', ...tarballs], user)
})

after(() => rm(top, { recursive: true, force: true }))

test('the packages have the version of the tool, and name their platform', async () => {
  const manifest = async (name) => JSON.parse(await readFile(join(user, 'node_modules', name, 'package.json'), 'utf8'))
  const [command, program] = [await manifest('oss-upload-cli'), await manifest(PLATFORM)]
  const { stdout } = await runs(TOOL, ['--version'], top)
  assert.equal(stdout, `oss-upload ${command.version}\n`)
  assert.deepEqual(command.optionalDependencies, { [PLATFORM]: command.version })
  assert.deepEqual([program.version, program.os, program.cpu], [command.version, [process.platform], [process.arch]])
})

test('npx finds the command, and its arguments and its exit code are those of the program', async () => {
  const { stdout } = await runs('npx', ['oss-upload-cli', '--version'], user)
  assert.match(stdout, /^oss-upload \d/)
  const refused = await runs('npx', ['oss-upload', 'no-such-command'], user).catch((error) => error)
  assert.equal(refused.code, 2)
  assert.match(refused.stderr, /^oss-upload: .*no-such-command/)
})

test('dev starts from the installed packages, signs, and ends with its command', async (context) => {
  const args = ['dev', '--port', '0', '--oss-port', '0', '--data-dir', join(top, 'data')]
  const child = spawn(join(user, 'node_modules/.bin/oss-upload'), args, { cwd: user, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] })
  const exit = once(child, 'exit')
  context.after(() => child.kill('SIGKILL'))
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text) => { complaints += text })
  // Lines after the address are read too, or the program would wait for a reader.
  const page = await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`dev printed no address: ${complaints}`)), LIMIT_MS)
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, address] = line.match(/^\s*page\s+(http\S+)/) ?? []
      if (!address) return
      clearTimeout(late)
      resolve(address)
    })
    child.once('close', (code) => reject(new Error(`dev ended with ${code}: ${complaints}`)))
  })
  const answer = await fetch(new URL('/get_post_signature_for_oss_upload', page))
  assert.equal(answer.status, 200)
  assert.match((await answer.json()).signature, /^[0-9a-f]{64}$/)
  child.kill('SIGTERM')
  assert.deepEqual(await exit, [0, null], complaints)
  await assert.rejects(fetch(page), 'the program outlived its command')
})

test('without the package of its platform, the command says so', async () => {
  await rm(join(user, 'node_modules', PLATFORM), { recursive: true })
  const refused = await runs('npx', ['oss-upload', '--version'], user).catch((error) => error)
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, new RegExp(`the package ${PLATFORM} is not installed`))
})
