/**
 * Large files in Chromium: what client and page make of them, against a signer and an OSS that keep parts in memory and hold
 * answers back. What the client decides is multipart.test.mjs's business, the bad line that of multipart-wire.test.mjs.
 */

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { checksum } from '../../src/http/web/crc64.js'
import { Cloud } from './parts.mjs'
import { bodyOf, faintTexts, openBrowser, ROOT, serve, witness } from './support.mjs'

const MIB = 1024 * 1024
const PART = MIB / 8
const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html', '.json': 'application/json' }
const OPEN = { 'access-control-allow-origin': '*', 'access-control-allow-methods': 'PUT, POST', 'access-control-allow-headers': '*', 'access-control-max-age': '0' }
const EXPOSED = { 'access-control-expose-headers': 'ETag, x-oss-request-id, x-oss-hash-crc64ecma' }
const LIMITS = { name: 'default', min_size: 1, max_size: 1e12, types: [], extensions: [], max_files: 100, expires_in: 600, accept: '', metadata: [], auth: [], public_read: false, server_time: '2026-11-30T10:00:00Z' }
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

let browser, context, page, assertClean, signer, oss, folder
/** @type {Cloud} */
let cloud
/** Which parts get no answer, and those answers; and the number of each part that was sent. */
let holds, hanging, attempts

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oss-upload-large-'))
  signer = await serve(answerAsSigner)
  oss = await serve(answerAsOss)
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await Promise.all([signer?.stop(), oss?.stop()])
  await rm(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  cloud = new Cloud()
  Object.assign(cloud, { partSize: PART, origin: oss.origin })
  holds = () => false
  hanging = []
  attempts = []
  await context?.close()
  context = await browser.newContext({ locale: 'en', timezoneId: 'UTC' })
  // Waits before another try are spent twenty times as fast.
  await context.addInitScript(() => {
    const later = window.setTimeout
    window.setTimeout = (done, wait) => later(done, wait / 20)
  })
  await open()
})

async function open() {
  page = await context.newPage()
  ;({ assertClean } = await witness(page))
  await page.goto(`${signer.origin}/`)
}

async function reload() {
  await page.close({ runBeforeUnload: false })
  await open()
}

async function answerAsSigner(request, response) {
  const path = request.url.slice(1)
  if (request.method === 'POST') {
    const { status, body } = await cloud.sign(path, JSON.parse(String(await bodyOf(request))))
    response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body))
  } else if (path.startsWith('routes/')) {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(LIMITS))
  } else {
    const name = path.split('?')[0] || 'page.html'
    const text = await readFile(`${ROOT}src/http/web/${name}`).catch(() => undefined)
    response.writeHead(text ? 200 : 404, { 'content-type': TYPES[extname(name)] ?? 'text/plain' }).end(text)
  }
}

async function answerAsOss(request, response) {
  if (request.method === 'OPTIONS') return response.writeHead(200, OPEN).end()
  const number = Number(new URL(request.url, oss.origin).searchParams.get('partNumber'))
  attempts.push(number)
  const bytes = await bodyOf(request).catch(() => undefined) // An aborted request has no whole body.
  if (!bytes || bytes.length !== Number(request.headers['content-length'])) return
  if (holds(number)) return hanging.push(response)
  assert.equal(request.headers['content-type'], undefined)
  const { status, headers, code } = await cloud.put(oss.origin + request.url, new Uint8Array(bytes))
  const all = { ...OPEN, ...EXPOSED, ...headers, 'content-type': 'application/xml' }
  response.writeHead(status, all).end(code && `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code} it is.</Message></Error>`)
}

/** Writes a file of so many bytes, the same each time. */
async function fileOf(size, name = 'film.mp4') {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE((at * 2654435761) >>> 0, at)
  const path = join(folder, name)
  await writeFile(path, bytes)
  await utimes(path, 1_764_000_000, 1_764_000_000)
  return { path, crc: await checksum(new Blob([bytes])) }
}

/** Waits until a condition of this process holds. */
async function until(condition, what) {
  const end = Date.now() + 20_000
  while (!condition()) {
    assert.ok(Date.now() < end, what)
    await new Promise((done) => setTimeout(done, 10))
  }
}

/** Takes the file of an input and uploads it, as an application does. */
async function start(path, options = {}) {
  await page.evaluate(() => {
    document.body.replaceChildren(Object.assign(document.createElement('input'), { type: 'file', id: 'own' }))
  })
  await page.setInputFiles('#own', path)
  await page.evaluate(async (options) => {
    const { upload } = await import('/client.js')
    window.seen = { loaded: [], retries: [] }
    const events = { onProgress: ({ loaded }) => window.seen.loaded.push(loaded), onRetry: ({ error }) => window.seen.retries.push(error.code) }
    window.task = upload(document.getElementById('own').files[0], { ...options, ...events })
    window.outcome = window.task.catch(({ code, message }) => ({ code, message }))
  }, options)
}

async function outcome() {
  return page.evaluate(async () => ({ ...(await window.outcome), ...window.seen }))
}

function objectOf({ key }) {
  return checksum(new Blob([cloud.objects.get(key)]))
}

test('a small file never loads what large files need', async () => {
  const requests = []
  page.on('request', (request) => requests.push(new URL(request.url()).pathname))
  cloud.sign = async () => ({ status: 200, body: { uploads: [{ error: { error: 'file_too_large', message: 'No.' } }], server_time: 'now' } })
  const { path } = await fileOf(10, 'small.txt')
  await start(path)
  assert.equal((await outcome()).code, 'file_too_large')
  assert.deepEqual(requests.filter((path) => /multipart|crc64/.test(path)), [])
})

test('a paused upload sends nothing, and an aborted one frees its parts', async () => {
  const { path } = await fileOf(2 * MIB)
  holds = (number) => number > 6
  await start(path)
  await until(() => cloud.stored.length === 6 && hanging.length >= 4, 'the parts do not arrive')
  await page.evaluate(() => window.task.pause())
  await new Promise((done) => setTimeout(done, 200))
  const sent = attempts.length
  holds = () => false
  await new Promise((done) => setTimeout(done, 200))
  assert.equal(attempts.length, sent)
  await page.evaluate(() => window.task.resume())
  await outcome()
  assert.equal(cloud.objects.size, 1)
  holds = () => true
  await start(path)
  await until(() => attempts.length > sent + 12, 'nothing is sent')
  await page.evaluate(() => window.task.abort())
  assert.equal((await outcome()).code, 'aborted')
  await until(() => cloud.calls.at(-1) === 'multipart/abort', 'the parts are not freed')
})

async function accessible() {
  await page.addScriptTag({ path: AXE })
  const violations = await page.evaluate(async () => (await window.axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(' ')}`))
  assert.deepEqual(violations, [])
  assert.deepEqual(await faintTexts(page), [])
}

test('the page pauses a large file and goes on', async () => {
  const { path, crc } = await fileOf(6 * MIB)
  holds = (number) => number > 20
  await page.setInputFiles('#files', path)
  const row = page.locator('.row')
  await until(() => cloud.stored.length === 20, 'the parts do not arrive')
  await page.getByRole('button', { name: 'Pause: film.mp4' }).focus()
  await page.keyboard.press('Enter')
  await page.locator('.row[data-state=paused]').waitFor()
  assert.match(await row.locator('.state').textContent(), /^[\d.]+ of 6\.3 MB · \d+% · Paused$/)
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Resume: film.mp4')
  await page.locator('#news', { hasText: 'film.mp4: Paused' }).waitFor()
  await accessible()
  holds = () => false
  await page.keyboard.press('Enter')
  await page.locator('.row[data-state=done]').waitFor()
  const [[key]] = [...cloud.objects]
  assert.equal(await objectOf({ key }), crc)
  assert.deepEqual(cloud.stored.toSorted((one, two) => one - two), Array.from({ length: 48 }, (_, index) => index + 1))
  assertClean()
})

test('after a reload the page says how to go on, and the same file goes on', async () => {
  const { path, crc } = await fileOf(6 * MIB)
  holds = (number) => number > 30
  await page.setInputFiles('#files', path)
  await until(() => cloud.stored.length === 30, 'the parts do not arrive')
  await page.waitForFunction(() => Object.keys(localStorage).length === 1)
  await reload()
  holds = () => false
  const list = page.locator('#unfinished')
  await list.getByText('Not finished. Choose the same file again, and its upload goes on.').waitFor()
  assert.match(await list.locator('li').textContent(), /^film\.mp43\.9 of 6\.3 MB · 63% · until \w+ \d+, 20\d\d, /)
  await accessible()
  await page.setInputFiles('#files', path)
  await page.locator('.row[data-state=done]').waitFor()
  assert.equal(await list.isVisible(), false)
  const [[key]] = [...cloud.objects]
  assert.equal(await objectOf({ key }), crc)
  assert.equal(cloud.stored.length, 48)
  await reload()
  await page.locator('#choose').waitFor()
  assert.deepEqual(await page.evaluate(() => [localStorage.length, document.getElementById('unfinished').hidden]), [0, true])
  assertClean()
})

test('an unfinished upload can be discarded, in Chinese too', async () => {
  const { path } = await fileOf(2 * MIB)
  holds = () => true
  await page.setInputFiles('#files', path)
  await until(() => hanging.length > 0, 'nothing is sent')
  await page.close()
  const [other] = context.pages()
  assert.equal(other, undefined)
  await open()
  await page.getByRole('button', { name: 'Discard: film.mp4' }).click()
  await until(() => cloud.calls.at(-1) === 'multipart/abort', 'the parts are not freed')
  await page.locator('#news', { hasText: 'film.mp4: discarded' }).waitFor()
  assert.deepEqual([await page.locator('#unfinished').isVisible(), await page.evaluate(() => [localStorage.length, document.activeElement?.id])], [false, [0, 'choose']])

  await context.close()
  context = await browser.newContext({ locale: 'zh-CN', timezoneId: 'UTC' })
  await open()
  await page.setInputFiles('#files', path)
  await page.getByRole('button', { name: '暂停：film.mp4' }).click()
  await page.getByText('已暂停').first().waitFor()
  await page.getByRole('button', { name: '继续：film.mp4' }).waitFor()
  await reload()
  await page.getByText('以下文件尚未传完。重新选择同一文件，即可继续上传。').waitFor()
  await page.getByRole('button', { name: '放弃：film.mp4' }).waitFor()
  assertClean()
})
