/**
 * A large file from Chromium to the local OSS over a bad line: a relay between them cuts connections, loses answers, answers
 * 503, holds requests back, and refuses the keys that the parts were signed with first. Signer, OSS and browser are the real
 * ones; the page is left in the middle.
 */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { Agent, createServer, request as forward } from 'node:http'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { checksum } from '../../src/http/web/crc64.js'
import { openBrowser, startDev } from './support.mjs'

const MIB = 1024 * 1024
/** The size of the file; a test by hand may take a larger one. */
const SIZE = Number(process.env.OSS_UPLOAD_LARGE_MIB ?? 48) * MIB + 12_345
const PARTS = Math.ceil(SIZE / MIB)
const SETTINGS = { UPLOAD_MULTIPART: 'true', UPLOAD_MULTIPART_THRESHOLD: '1MiB', UPLOAD_MULTIPART_PART_SIZE: '1MiB', UPLOAD_MAX_SIZE: '9GiB' }

let browser, context, page, dev, relay, folder

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oss-upload-wire-'))
  dev = await startDev(SETTINGS, ['--role', 'uploader'])
  relay = await openRelay(new URL(dev.oss))
  browser = await openBrowser(`--host-resolver-rules=MAP ${new URL(dev.oss).host} 127.0.0.1:${relay.port}`)
})

after(async () => {
  await browser?.close()
  relay?.stop()
  await dev?.stop()
  await rm(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  relay.reset()
  await context?.close()
  context = await browser.newContext({ locale: 'en' })
  // Waits before another try are spent twenty times as fast.
  await context.addInitScript(() => {
    const later = window.setTimeout
    window.setTimeout = (done, wait) => later(done, wait / 20)
  })
  await open()
})

async function open() {
  page = await context.newPage()
  await page.goto(dev.page)
}

/**
 * Passes requests on to the local OSS. A part whose fault `relay.faults(number, turn)` names fails on the way;
 * `relay.refused` is the date of signatures that no longer count.
 */
async function openRelay(oss) {
  const relay = {}
  const agent = new Agent({ keepAlive: true })
  const server = createServer(async (near, answer) => {
    const query = new URL(near.url, oss).searchParams
    const number = Number(query.get('partNumber'))
    const isPart = near.method === 'PUT' && number > 0
    const fault = isPart ? note(relay, number) : undefined
    if (isPart && query.get('x-oss-date') === relay.refused) return refuse(near, answer, 403, 'SecurityTokenExpired')
    if (fault === 'busy') return refuse(near, answer, 503, 'ServiceUnavailable')
    if (fault === 'slow') await new Promise((done) => setTimeout(done, 300))
    if (isPart) relay.date = query.get('x-oss-date')
    const far = forward({ host: oss.hostname, port: oss.port, method: near.method, path: near.url, headers: near.headers, agent })
    const part = () => (far.destroy(), near.destroy())
    far.on('error', part)
    near.on('error', part).on('close', () => near.complete || part())
    far.on('response', (response) => {
      if (isPart && response.statusCode === 200) relay.stored.push(number)
      if (fault === 'swallow') return part()
      answer.writeHead(response.statusCode, response.headers)
      response.pipe(answer).on('error', part)
    })
    if (fault === 'cut') near.once('data', part)
    else near.pipe(far)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  relay.port = server.address().port
  relay.reset = () => Object.assign(relay, { faults: () => undefined, attempts: [], stored: [], failed: new Set(), refused: undefined, date: undefined })
  relay.stop = () => (server.closeAllConnections(), server.close(), agent.destroy())
  return relay
}

function note(relay, number) {
  const turn = relay.attempts.filter((one) => one === number).length
  relay.attempts.push(number)
  const fault = relay.faults(number, turn)
  if (fault && fault !== 'slow') relay.failed.add(number)
  return fault
}

async function refuse(near, answer, status, code) {
  for await (const _ of near);
  const open = { 'access-control-allow-origin': near.headers.origin, 'content-type': 'application/xml' }
  answer.writeHead(status, open).end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code}</Message></Error>`)
}

/** Writes a file that no two parts of which are the same. */
async function fileOf(size) {
  const bytes = Buffer.alloc(size)
  for (let at = 0; at < size; at += 32) createHash('md5').update(String(at)).digest().copy(bytes, at)
  const path = join(folder, 'film.mp4')
  await writeFile(path, bytes)
  await utimes(path, 1_764_000_000, 1_764_000_000)
  return { path, crc: `${await checksum(new Blob([bytes]))}`, hash: hashOf(bytes) }
}

function hashOf(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Chance that is the same in each run. */
function chance(seed) {
  let state = seed
  return () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31
}

async function until(condition, what) {
  const end = Date.now() + 60_000
  while (!condition()) {
    assert.ok(Date.now() < end, what)
    await new Promise((done) => setTimeout(done, 10))
  }
}

async function start(path) {
  await page.evaluate(() => document.body.replaceChildren(Object.assign(document.createElement('input'), { type: 'file', id: 'own' })))
  await page.setInputFiles('#own', path)
  await page.evaluate(async () => {
    const { upload } = await import('/client.js')
    window.loaded = []
    const options = { checksum: true, onProgress: ({ loaded }) => window.loaded.push(loaded) }
    window.outcome = upload(document.getElementById('own').files[0], options).catch(({ code, message, ec }) => ({ code, message, ec }))
  })
}

test('a large file over a bad line, with a reload and new keys on the way, arrives byte by byte and no part twice', async () => {
  const { path, crc, hash } = await fileOf(SIZE)
  const random = chance(16)
  relay.faults = (_, turn) => (turn > 1 ? undefined : ['cut', 'busy', 'swallow', 'slow'][Math.floor(random() * 16)])
  await start(path)
  await until(() => new Set(relay.stored).size >= PARTS / 3, 'nothing arrives')
  await page.close()
  await open()
  const before = new Set(relay.stored)
  const sent = relay.attempts.length
  await start(path)
  await until(() => new Set(relay.stored).size >= (2 * PARTS) / 3, 'nothing arrives after the reload')
  relay.refused = relay.date // The keys have ended: nothing that was signed with them counts any more.
  const { loaded, ...stored } = await page.evaluate(async () => ({ ...(await window.outcome), loaded: window.loaded }))
  assert.equal(stored.crc64, crc, JSON.stringify(stored))
  const answer = await fetch(stored.url)
  assert.equal(hashOf(Buffer.from(await answer.arrayBuffer())), hash)
  assert.equal(answer.headers.get('x-oss-hash-crc64ecma'), crc)
  const again = relay.attempts.slice(sent).filter((number) => before.has(number))
  assert.deepEqual(again.filter((number) => !relay.failed.has(number)), [], 'a part that was stored before the reload was sent again')
  const twice = relay.stored.filter((number, index) => relay.stored.indexOf(number) !== index)
  assert.deepEqual(twice.filter((number) => !relay.failed.has(number)), [])
  assert.deepEqual(loaded, loaded.toSorted((one, two) => one - two))
  assert.equal(loaded.at(-1), SIZE)
})
