/**
 * What the browser tests share: the local cloud as a child process, Chromium, and a witness that notes
 * whatever a page should not do. Everything stays on loopback.
 *
 * `OSS_UPLOAD_BIN` names a built tool; without it cargo builds one.
 */

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PRINTED = /^\s*(page|sign|oss|sts|data)\s+(\S+)/
const INVENTED = /^env\s+(\w+)=(\S+)/
export const KEY = { ALIBABA_CLOUD_ACCESS_KEY_ID: 'LTAI5tExampleKeyId0001', ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'ExampleSecret' }
const START_LIMIT_MS = 15 * 60 * 1000 // A first build is part of the start.

/**
 * Starts `oss-upload dev` on free ports and reads its addresses from what it prints. Stored files can be read without a signature.
 * @param {Record<string, string>} [settings] environment variables on top of a clean slate
 * @param {string[]} [options] further options of the command
 * @returns {Promise<{ page: string, sign: string, oss: string, sts?: string, data: string, env: Record<string, string>, stop: () => Promise<void> }>}
 */
export function startDev(settings = {}, options = []) {
  return start(['dev', '--port', '0', '--oss-port', '0', '--public-read', ...options], settings, ['page', 'sign', 'oss', 'data'])
}

/**
 * Starts `oss-upload emulate` on a free port, with the bucket `dev-bucket` and the key `KEY`. Pages from disk may post to it.
 * @param {string[]} [options] further options of the command
 * @param {string[]} [wanted] further addresses that it prints
 * @returns {Promise<{ oss: string, sts?: string, data: string, stop: () => Promise<void> }>}
 */
export function startEmulate(options = [], wanted = []) {
  const key = ['--access-key-id', KEY.ALIBABA_CLOUD_ACCESS_KEY_ID, '--access-key-secret', KEY.ALIBABA_CLOUD_ACCESS_KEY_SECRET]
  return start(['emulate', '--port', '0', '--bucket', 'dev-bucket', '--cors-origin', 'null', '--public-read', ...key, ...options], {}, ['oss', 'data', ...wanted])
}

/** Runs a command of the tool to its end, with the key in its environment, and gives what it printed. */
export async function run(...args) {
  const child = launch(args, KEY)
  const output = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk))
  const [code] = await once(child, 'close')
  const printed = Buffer.concat(output).toString()
  assert.equal(code, 0, printed)
  return printed
}

function launch(args, settings) {
  const [command, ...before] = process.env.OSS_UPLOAD_BIN ? [process.env.OSS_UPLOAD_BIN] : ['cargo', 'run', '--quiet', '--']
  return spawn(command, [...before, ...args], { cwd: ROOT, env: { ...slate(), ...settings }, stdio: ['ignore', 'pipe', 'pipe'] })
}

async function start(args, settings, wanted) {
  const data = await mkdtemp(join(tmpdir(), 'oss-upload-web-'))
  const child = launch([...args, '--data-dir', data], settings)
  const output = []
  child.stderr.on('data', (chunk) => output.push(chunk))
  const exit = once(child, 'exit')
  const addresses = await readAddresses(child, exit, output, wanted)

  const stop = async () => {
    const crashed = child.exitCode !== null || child.signalCode !== null
    child.kill('SIGTERM')
    const [code, signal] = await exit
    await rm(data, { recursive: true, force: true })
    const log = Buffer.concat(output).toString()
    assert.ok(!crashed, `the tool ended by itself (${code ?? signal}):\n${log}`)
    assert.ok(code === 0 || signal === 'SIGTERM', `the tool ended with ${code ?? signal}:\n${log}`)
    assert.doesNotMatch(log, /panicked at/)
  }
  return { ...addresses, stop }
}

/** The environment without anything that would change what the tool does. */
function slate() {
  const ours = /^(OSS_|UPLOAD_|FC_|ALIBABA_CLOUD_)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}

async function readAddresses(child, exit, output, wanted) {
  const addresses = { env: {} }
  const complete = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, name, value] = line.match(PRINTED) ?? []
      if (name) addresses[name] = value
      const [, variable, key] = line.match(INVENTED) ?? []
      if (variable) addresses.env[variable] = key
      if (wanted.every((one) => addresses[one])) resolve(true)
    })
  })
  let timer
  const late = new Promise((resolve) => (timer = setTimeout(resolve, START_LIMIT_MS, false)))
  const started = await Promise.race([complete, late, exit.then(() => false)])
  clearTimeout(timer)
  if (!started) child.kill()
  assert.ok(started, `the tool did not print its addresses:\n${Buffer.concat(output)}`)
  return addresses
}

/** Packs the npm package of `clients/js`, and puts it into a project as npm would. */
export async function installPackage(project) {
  const limits = { timeout: 120_000 }
  const run = promisify(execFile)
  const env = { ...process.env, NODE_PATH: fileURLToPath(new URL('node_modules', import.meta.url)) }
  await run('npm', ['pack', '--silent', '--pack-destination', project], { cwd: join(ROOT, 'clients/js'), env, ...limits })
  const folder = join(project, 'node_modules/oss-upload-client')
  await mkdir(folder, { recursive: true })
  const { version } = JSON.parse(await readFile(join(ROOT, 'clients/js/package.json'), 'utf8'))
  const tarball = join(project, `oss-upload-client-${version}.tgz`)
  await run('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'], limits)
  await rm(tarball)
}

/** Serves the files of a folder as a site of static pages. */
export function serveFiles(folder) {
  const types = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.json': 'application/json' }
  return serve(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://site')
    const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname
    const text = await readFile(join(folder, path)).catch(() => undefined)
    response.writeHead(text ? 200 : 404, { 'content-type': types[extname(path)] ?? 'text/plain' }).end(text)
  })
}

/** Starts a server for one test file on a free port of loopback. */
export async function serve(handler) {
  const server = createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = () => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  }
  return { origin: `http://127.0.0.1:${server.address().port}`, stop }
}

/** Reads a request's whole body. */
export async function bodyOf(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Starts Chromium without its calls to the outside. */
export function openBrowser(...options) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [...options, '--no-sandbox', '--disable-quic', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
}

/**
 * Notes console errors, uncaught exceptions, violated content policies and requests beyond loopback.
 * `assertClean()` wants none; `{ allowFailedLoads: true }` forgives the console line of a refusal that the test asked for,
 * and `{ forgiven }` the lines that it says.
 */
export async function witness(page) {
  const seen = []
  page.on('console', (message) => message.type() === 'error' && seen.push(`console: ${message.text()}`))
  page.on('pageerror', (error) => seen.push(`exception: ${error}`))
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url())
    if (/^(https?|wss?):$/.test(protocol) && hostname !== '127.0.0.1') seen.push(`left loopback: ${request.url()}`)
  })
  await page.exposeFunction('noteViolation', (what) => seen.push(`content policy: ${what}`))
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => window.noteViolation(`${event.violatedDirective} ${event.blockedURI}`))
  })
  const assertClean = ({ allowFailedLoads = false, forgiven = () => false } = {}) => {
    const failedLoad = (line) => allowFailedLoads && /^console: (Failed to load resource|Access to (XMLHttpRequest|fetch))/.test(line)
    assert.deepEqual(seen.filter((line) => !failedLoad(line) && !forgiven(line)), [])
  }
  return { assertClean }
}

/**
 * Finds texts whose contrast with the ground behind them is below 4.5 : 1 (WCAG AA); runs in the page.
 * @param {import('playwright-core').Page} page
 */
export function faintTexts(page) {
  return page.evaluate(() => {
    const channels = (color) => color.match(/[\d.]+/g).map(Number)
    const light = (color) => {
      const [r, g, b] = channels(color).map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const ground = (element) => {
      const color = getComputedStyle(element).backgroundColor
      const [, , , alpha = 1] = channels(color)
      return alpha === 1 || !element.parentElement ? color : ground(element.parentElement)
    }
    const ownText = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())
    return [...document.querySelectorAll('body *')]
      .filter((element) => ownText(element) && element.checkVisibility())
      .map((element) => {
        const [one, two] = [light(getComputedStyle(element).color), light(ground(element))]
        return { text: element.textContent.trim(), contrast: (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05) }
      })
      .filter(({ contrast }) => contrast < 4.5)
  })
}
