/**
 * The decisions of multipart.js, without a browser: a signer and an OSS in memory, and `fetch`, `XMLHttpRequest`, the storage
 * and the clock as a test wants them.
 */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { beforeEach, mock, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { send, upload, UploadError } from '../../src/http/web/client.js'
import { checksum, combine, Crc64 } from '../../src/http/web/crc64.js'
import { discard, unfinished } from '../../src/http/web/multipart.js'
import { Cloud, LIFE, PART } from './parts.mjs'

const ENDPOINT = 'https://signer.example.com/'
const WEB = new URL('../../src/http/web/', import.meta.url)
/** From so many milliseconds on a timer is the watchdog of a request, and fires only when a test says so. */
const WATCHDOG_MS = 60_000

/** @type {Cloud} */
let cloud
/** The requests that carry parts: their numbers as they were sent, and how many run. */
let wire
/** What happens to the next request of a part number, one each. @type {Record<number, any[]>} */
let plan
/** What happens to the next calls of a path of the signer. @type {Record<string, any[]>} */
let signerPlan
let waits, watchdogs, listeners

class Storage {
  setItem(name, value) {
    this[name] = value
  }

  getItem(name) {
    return this[name] ?? null
  }

  removeItem(name) {
    delete this[name]
  }
}

/** Of the locks of a browser what is needed here: one holder of a name, and nobody waits. */
class Locks {
  #held = new Set()

  async request(name, { ifAvailable }, hold) {
    assert.equal(ifAvailable, true)
    if (this.#held.has(name)) return hold(null)
    this.#held.add(name)
    await hold({ name })
    this.#held.delete(name)
  }
}

beforeEach(() => {
  cloud = new Cloud()
  wire = { sent: [], types: [], bodies: [], running: 0, most: 0, requests: new Set() }
  plan = {}
  signerPlan = {}
  waits = []
  watchdogs = new Map()
  listeners = new Map()
  mock.reset()
  mock.method(Math, 'random', () => 0)
  let timers = 0
  mock.method(globalThis, 'setTimeout', (done, wait) => {
    timers += 1
    if (wait >= WATCHDOG_MS) watchdogs.set(timers, done)
    else {
      waits.push(wait)
      queueMicrotask(done)
    }
    return timers
  })
  mock.method(globalThis, 'clearTimeout', (id) => watchdogs.delete(id))
  mock.method(globalThis, 'fetch', async (url, { body, mode, signal }) => {
    if (mode === 'no-cors') throw new TypeError('Failed to fetch')
    const path = url.slice(ENDPOINT.length)
    const fault = signerPlan[path]?.shift()
    if (fault === 'lost before') throw new TypeError('Failed to fetch')
    const answer = typeof fault === 'function' ? await fault(JSON.parse(body)) : await cloud.sign(path, JSON.parse(body))
    if (fault === 'lost after') throw new TypeError('Failed to fetch')
    signal?.throwIfAborted()
    return new Response(answer.body && JSON.stringify(answer.body), { status: answer.status })
  })
  globalThis.localStorage = new Storage()
  define('navigator', { onLine: true, locks: new Locks() })
  define('addEventListener', (event, listener) => listeners.set(listener, event))
  define('removeEventListener', (event, listener) => listeners.delete(listener))
})

function define(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
}

/** Tells the page that something has happened to it. */
function happen(event) {
  for (const [listener, wanted] of listeners) if (wanted === event) listener()
}

/** Lets everything run that can. */
async function settle(turns = 60) {
  for (let turn = 0; turn < turns; turn++) await new Promise((done) => setImmediate(done))
}

globalThis.XMLHttpRequest = class {
  upload = {}
  status = 0
  responseXML = null
  headers = {}

  open(method, url) {
    assert.equal(method, 'PUT')
    this.url = url
    this.number = Number(new URL(url).searchParams.get('partNumber'))
  }

  send(body) {
    wire.sent.push(this.number)
    wire.bodies.push(body)
    wire.requests.add(this)
    wire.most = Math.max(wire.most, (wire.running += 1))
    setImmediate(() => this.run(body))
  }

  async run(body) {
    const bytes = new Uint8Array(body instanceof Blob ? await body.arrayBuffer() : body)
    if (this.isOver) return
    const fault = plan[this.number]?.shift() ?? {}
    this.upload.onprogress({ loaded: fault.loaded ?? bytes.length, total: bytes.length })
    if (fault.hangs) return
    if (fault.lost) return this.end({ status: 0 })
    if (fault.status) return this.end(fault)
    const answer = await cloud.put(this.url, bytes)
    if (!this.isOver) this.end(fault.swallowed ? { status: 0 } : { ...answer, ...fault })
  }

  end({ status, headers = {}, code, ec }) {
    this.isOver = true
    wire.running -= 1
    wire.requests.delete(this)
    const texts = { Code: code, EC: ec, Message: code && `${code} it is.`, RequestId: code && 'r-oss' }
    Object.assign(this, { status, headers, responseXML: code && { querySelector: (tag) => texts[tag] && { textContent: texts[tag] } } })
    this.onloadend()
  }

  abort() {
    if (!this.isOver) this.end({ status: 0 })
  }

  getAllResponseHeaders() {
    return Object.entries(this.headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  }
}

/** A file of so many parts, the last one half as long. */
function fileOf(parts, { name = 'film.mp4', salt = 0 } = {}) {
  const bytes = new Uint8Array(parts * PART - PART / 2).map((_, index) => index * 31 + (index >> 8) + salt)
  return new File([bytes], name, { type: 'video/mp4', lastModified: 1_764_000_000_000 })
}

function begin(file, options) {
  return upload(file, { endpoint: ENDPOINT, ...options })
}

/** Uploads, and wants the object to be the file, byte by byte. */
async function storedWhole(file, promise) {
  const stored = await promise
  assert.deepEqual(Buffer.from(cloud.objects.get(stored.key)), Buffer.from(await file.arrayBuffer()))
  return stored
}

async function failure(promise) {
  const error = await promise.then((result) => assert.fail(`no failure but ${JSON.stringify(result)}`), (error) => error)
  assert.ok(error instanceof UploadError, error)
  return error
}

/** Uploads until so many parts are stored, then leaves the page: the requests end, and the locks are free. */
async function leavePageAfter(parts, file, options) {
  const before = cloud.stored.length
  for (let number = parts + 1; number <= 40; number++) plan[number] = [{ hangs: true, loaded: 1 }]
  const task = begin(file, options)
  for (let turn = 0; cloud.stored.length - before < parts; turn++) {
    assert.ok(turn < 500, 'the parts were not stored')
    await settle(1)
  }
  await settle()
  plan = {}
  task.pause() // For ever.
  await settle()
  define('navigator', { onLine: true, locks: new Locks() })
  return unfinished({ endpoint: ENDPOINT })
}

test('a file in parts is signed once, sent once, and completed', async () => {
  const file = fileOf(5)
  const { key, url, crc64, etag } = await storedWhole(file, begin(file, { route: 'films', metadata: { a: 'b' } }))
  assert.deepEqual(cloud.calls, ['uploads', 'multipart', 'multipart/complete'])
  assert.deepEqual(cloud.stored.toSorted(), [1, 2, 3, 4, 5])
  assert.deepEqual([url, etag, crc64], [`https://bucket.example.com/${key}`, 'E', `${await checksum(file)}`])
  assert.ok(wire.bodies.every((body) => body instanceof Blob && body.type === ''), 'a type would have to be signed')
  assert.deepEqual(waits, [])
})

test('the parts run side by side, as many as the route says, and never more than six of all files', async () => {
  cloud.maxParallel = 3
  await begin(fileOf(9))
  assert.equal(wire.most, 3)
  cloud.maxParallel = 5
  const files = ['a', 'b', 'c'].map((name) => fileOf(9, { name }))
  await Promise.all(files.map((file) => storedWhole(file, begin(file))))
  assert.equal(wire.most, 6)
})

test('a part that fails is sent again after a wait, and no other part is', async () => {
  plan = { 2: [{ status: 503, code: 'ServiceUnavailable' }, { lost: true, loaded: 10 }], 4: [{ status: 400, code: 'RequestTimeout' }] }
  const file = fileOf(6)
  const retries = []
  await storedWhole(file, begin(file, { onRetry: ({ error, wait }) => retries.push(`${error.code} ${wait}`) }))
  assert.deepEqual(wire.sent.toSorted(), [1, 2, 2, 2, 3, 4, 4, 5, 6])
  assert.deepEqual(cloud.stored.toSorted(), [1, 2, 3, 4, 5, 6])
  assert.deepEqual(retries.toSorted(), ['RequestTimeout 0.5', 'ServiceUnavailable 0.5', 'network 1'])
})

test('the waits grow to half a minute and the tries end, and the next upload goes on', async () => {
  const file = fileOf(6)
  plan = { 5: Array.from({ length: 8 }, () => ({ status: 500, code: 'InternalError' })) }
  const { code, status } = await failure(begin(file))
  assert.deepEqual([code, status], ['InternalError', 500])
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000])
  await storedWhole(file, begin(file))
  assert.deepEqual(cloud.stored.toSorted(), [1, 2, 3, 4, 5, 6])
})

test('what OSS refuses otherwise is not sent again', async () => {
  plan = { 2: [{ status: 400, code: 'InvalidArgument', ec: '0017-00000220' }] }
  const { name, message, code, status, ec, requestId, key } = await failure(begin(fileOf(3)))
  assert.deepEqual([name, message, code, status, ec, requestId], ['UploadError', 'InvalidArgument it is.', 'InvalidArgument', 400, '0017-00000220', 'r-oss'])
  assert.ok(key)
  assert.deepEqual(waits, [])
})

test('signatures that are refused are made anew, once for all parts', async () => {
  cloud.maxParallel = 2
  plan = { 3: [{ status: 503, code: 'Busy' }] }
  const file = fileOf(8)
  const task = begin(file)
  while (cloud.stored.length < 2) await settle(1)
  cloud.generation = 2 // The keys of the signer have changed.
  await storedWhole(file, task)
  assert.equal(cloud.calls.filter((path) => path === 'multipart/parts').length, 1)
  assert.deepEqual(cloud.stored.toSorted(), [1, 2, 3, 4, 5, 6, 7, 8])
})

test('fresh signatures that are refused too are the failure', async () => {
  plan = { 1: Array.from({ length: 3 }, () => ({ status: 403, code: 'AccessDenied', ec: '0003-00000001' })) }
  const { code, ec } = await failure(begin(fileOf(2)))
  assert.deepEqual([code, ec, wire.sent.filter((number) => number === 1).length], ['AccessDenied', '0003-00000001', 3])
})

test('signatures are renewed before they end, by the clock of the signer', async () => {
  const file = fileOf(6)
  let now = Date.now()
  mock.method(Date, 'now', () => now)
  cloud.now = () => now - 5 * 3600_000 // This device's clock is five hours fast.
  cloud.maxParallel = 1
  plan = { 3: [{ hangs: true }] }
  const task = begin(file)
  while (wire.sent.at(-1) !== 3) await settle(1)
  await settle()
  assert.deepEqual(cloud.calls, ['uploads', 'multipart'])
  now += LIFE * 1000 - 59_000
  wire.requests.forEach((request) => request.end({ status: 503 }))
  await storedWhole(file, task)
  assert.deepEqual(cloud.calls.slice(2), ['multipart/parts', 'multipart/complete'])
})

test('after a reload only the parts that OSS does not have are sent', async () => {
  const file = fileOf(7)
  const known = await leavePageAfter(3, file)
  assert.deepEqual(known.map(({ name, size, loaded }) => [name, size, loaded]), [['film.mp4', file.size, 3 * PART]])
  const loaded = []
  await storedWhole(file, begin(file, { onProgress: (progress) => loaded.push(progress.loaded) }))
  assert.deepEqual(cloud.stored.toSorted(), [1, 2, 3, 4, 5, 6, 7])
  assert.equal(loaded[0], 3 * PART)
  assert.deepEqual(cloud.calls.slice(2), ['uploads', 'multipart/status', 'multipart/parts', 'multipart/complete'])
  assert.deepEqual(unfinished({ endpoint: ENDPOINT }), [])
})

test('another file, route, signer or metadata begins anew', async () => {
  await leavePageAfter(1, fileOf(3))
  const others = [[fileOf(3, { salt: 1 })], [fileOf(3, { name: 'b.mp4' })], [fileOf(3), { route: 'films' }], [fileOf(3), { metadata: { a: 'b' } }]]
  for (const [file, options] of others) {
    cloud.calls = []
    await begin(file, options)
    assert.deepEqual(cloud.calls, ['uploads', 'multipart', 'multipart/complete'])
  }
  assert.equal(unfinished({ endpoint: ENDPOINT }).length, 1)
  assert.deepEqual(unfinished({ endpoint: ENDPOINT, route: 'films' }), [])
  assert.deepEqual(unfinished(), [])
})

test('an upload is remembered until its end and no longer', async () => {
  const file = fileOf(3)
  await leavePageAfter(1, file)
  const now = Date.now() + 25 * 3600_000
  mock.method(Date, 'now', () => now)
  assert.deepEqual(unfinished({ endpoint: ENDPOINT }), [])
  assert.deepEqual(Object.keys(localStorage), [])
})

for (const code of ['upload_token_expired', 'upload_token_invalid', 'upload_token_foreign', 'upload_not_found']) {
  test(`an upload that the signer answers with ${code} begins anew`, async () => {
    const file = fileOf(3)
    await leavePageAfter(1, file)
    signerPlan = { 'multipart/status': [() => ({ status: 403, body: { error: code, message: 'No.' } })] }
    await storedWhole(file, begin(file))
    assert.equal(cloud.uploads.size, 2)
  })
}

test('a signer that cannot be reached at the time is no reason to begin anew', async () => {
  const file = fileOf(3)
  await leavePageAfter(1, file)
  signerPlan = { 'multipart/status': ['lost before', 'lost before'] }
  await storedWhole(file, begin(file))
  assert.deepEqual([cloud.uploads.size, waits], [1, [500, 1000]])
})

test('an upload goes on elsewhere with its token, and compares the checksum', async () => {
  const file = fileOf(5)
  const tokens = []
  await leavePageAfter(2, file, { onToken: ({ token, key, resumeUntil }) => tokens.push({ token, key, resumeUntil }) })
  globalThis.localStorage = new Storage()
  const [{ token, key, resumeUntil }] = tokens
  assert.ok(Date.parse(resumeUntil) > Date.now())
  const other = await failure(begin(fileOf(4), { token }))
  assert.equal(other.code, 'upload_of_another_file')
  const changed = await failure(begin(fileOf(5, { salt: 1 }), { token }))
  assert.equal(changed.code, 'checksum_mismatch')
  assert.equal((await failure(begin(file, { token: 'token-of-nobody' }))).code, 'upload_not_found')
  assert.equal(key.startsWith('up/'), true)
})

test('the same file goes on elsewhere and no part is sent twice', async () => {
  const file = fileOf(5)
  const tokens = []
  await leavePageAfter(2, file, { onToken: ({ token }) => tokens.push(token) })
  globalThis.localStorage = new Storage()
  await storedWhole(file, begin(file, { token: tokens[0] }))
  assert.deepEqual(cloud.stored.toSorted(), [1, 2, 3, 4, 5])
})

test('a paused upload sends nothing until it goes on, and its progress never falls', async () => {
  const file = fileOf(8)
  cloud.maxParallel = 2
  plan = { 3: [{ hangs: true, loaded: 700 }], 4: [{ hangs: true, loaded: 700 }] }
  const loaded = []
  const task = begin(file, { onProgress: (progress) => loaded.push(progress.loaded), onRetry: () => assert.fail('a pause is no failure') })
  while (wire.sent.length < 4) await settle(1)
  await settle()
  task.pause()
  task.pause()
  await settle()
  assert.deepEqual([wire.running, wire.sent.length], [0, 4])
  task.resume()
  task.resume()
  await storedWhole(file, task)
  assert.deepEqual(cloud.stored.toSorted(), [1, 2, 3, 4, 5, 6, 7, 8])
  assert.deepEqual(loaded, loaded.toSorted((one, two) => one - two))
  assert.deepEqual([loaded[0], loaded.at(-1)], [0, file.size])
})

test('a pause before anything runs, and one in the same moment as its end, keep the upload whole', async () => {
  const file = fileOf(3)
  const task = begin(file)
  task.pause()
  await settle()
  assert.deepEqual(wire.sent, [])
  task.resume()
  task.pause()
  task.resume()
  await storedWhole(file, task)
})

for (const how of ['the task', 'the signal', 'the task while it is paused']) {
  test(`an upload that ${how} aborts frees its parts and is forgotten`, async () => {
    const controller = new AbortController()
    plan = { 2: [{ hangs: true }], 3: [{ hangs: true }] }
    const task = begin(fileOf(3), { signal: controller.signal })
    while (wire.sent.length < 3) await settle(1)
    await settle()
    if (how.endsWith('paused')) task.pause()
    if (how === 'the signal') controller.abort()
    else task.abort()
    const { code, status } = await failure(task)
    await settle()
    assert.deepEqual([code, status, wire.running], ['aborted', 0, 0])
    assert.deepEqual([cloud.calls.at(-1), cloud.uploads.size, Object.keys(localStorage)], ['multipart/abort', 0, []])
  })
}

test('an offline device counts no tries, and goes on when it is online', async () => {
  const file = fileOf(4)
  plan = { 2: [{ lost: true }] }
  navigator.onLine = true
  const task = begin(file, { tries: 2 })
  while (wire.sent.length < 4) await settle(1)
  navigator.onLine = false
  globalThis.setTimeout.mock.mockImplementation((done, wait) => (waits.push(wait), 0)) // Nothing but the event goes on.
  await settle()
  assert.equal(wire.running, 0)
  const sent = wire.sent.length
  await settle()
  assert.equal(wire.sent.length, sent)
  assert.deepEqual(waits.filter((wait) => wait < WATCHDOG_MS), [30_000])
  navigator.onLine = true
  happen('online')
  await settle()
  happen('online') // Ends the wait before the next try.
  await storedWhole(file, task)
})

test('a part that stalls is ended and goes on from memory', async () => {
  const file = fileOf(3)
  cloud.maxParallel = 1
  plan = { 2: [{ hangs: true, loaded: 100 }] }
  const task = begin(file)
  while (wire.sent.at(-1) !== 2) await settle(1)
  await settle()
  assert.equal(watchdogs.size, 1)
  for (const bark of watchdogs.values()) bark()
  await storedWhole(file, task)
  assert.deepEqual(wire.bodies.map((body) => body instanceof ArrayBuffer), [false, false, true, true])
  assert.deepEqual([wire.sent, watchdogs.size], [[1, 2, 2, 3], 0])
})

test('with checksums each part and the whole are compared', async () => {
  const file = fileOf(4)
  plan = { 3: [{ headers: { 'x-oss-hash-crc64ecma': '1' } }] }
  const retries = []
  const { crc64 } = await storedWhole(file, begin(file, { checksum: true, onRetry: ({ error }) => retries.push(error.code) }))
  assert.equal(crc64, `${await checksum(file)}`)
  assert.deepEqual([retries, wire.sent.toSorted()], [['checksum_mismatch'], [1, 2, 3, 3, 4]])
  plan = { 2: [{ headers: {} }] } // Hidden by CORS: the whole is still compared.
  let asked
  signerPlan = { 'multipart/complete': [(body) => ((asked = body.crc64), { status: 409, body: { error: 'checksum_mismatch', message: 'No.' } })] }
  const error = await failure(begin(fileOf(4, { salt: 1 }), { checksum: true }))
  assert.deepEqual([error.code, asked], ['checksum_mismatch', `${await checksum(fileOf(4, { salt: 1 }))}`])
  assert.deepEqual(Object.keys(localStorage), [], 'another try with this upload would end in the same way')
})

test('a reload does not lose the checksum of the whole', async () => {
  const file = fileOf(6)
  await leavePageAfter(3, file, { checksum: true })
  await storedWhole(file, begin(file, { checksum: true }))
})

test('parts that the signer misses are sent once more', async () => {
  const file = fileOf(4)
  const lose = () => {
    ;[...cloud.uploads.values()][0].parts.delete(2)
    return cloud.sign('multipart/complete', { token: [...cloud.uploads.keys()][0] })
  }
  signerPlan = { 'multipart/complete': [lose] }
  await storedWhole(file, begin(file))
  assert.deepEqual(wire.sent.toSorted(), [1, 2, 2, 3, 4])
})

test('the lost answer of the completion is asked for again, also after a reload', async () => {
  const file = fileOf(3)
  signerPlan = { 'multipart/complete': ['lost after'] }
  await storedWhole(file, begin(file))
  assert.equal(cloud.objects.size, 1)
  signerPlan = { 'multipart/complete': Array.from({ length: 8 }, () => 'lost after') }
  const other = fileOf(3, { salt: 1 })
  assert.equal((await failure(begin(other))).code, 'network')
  cloud.calls = []
  await storedWhole(other, begin(other))
  assert.deepEqual([cloud.objects.size, cloud.calls], [2, ['uploads', 'multipart/complete']])
})

test('a failed callback is not tried again, and its object is named', async () => {
  const failed = () => ({ status: 502, body: { error: 'callback_failed', message: 'Stored.', request_id: 'r-9' } })
  signerPlan = { 'multipart/complete': [failed] }
  const { code, status, key, url, requestId } = await failure(begin(fileOf(3)))
  assert.deepEqual([code, status, requestId, url], ['callback_failed', 502, 'r-9', `https://bucket.example.com/${key}`])
  assert.deepEqual([waits, Object.keys(localStorage)], [[], []])
})

test('an object that is there already frees the parts', async () => {
  signerPlan = { 'multipart/complete': [() => ({ status: 409, body: { error: 'object_exists', message: 'No.' } })] }
  assert.equal((await failure(begin(fileOf(3)))).code, 'object_exists')
  await settle()
  assert.deepEqual([cloud.calls.at(-1), cloud.uploads.size, Object.keys(localStorage)], ['multipart/abort', 0, []])
})

test('an upload that OSS has forgotten fails, and the next one begins anew', async () => {
  const file = fileOf(3)
  plan = { 2: [{ status: 404, code: 'NoSuchUpload' }] }
  assert.equal((await failure(begin(file))).code, 'NoSuchUpload')
  assert.deepEqual(Object.keys(localStorage), [])
  await storedWhole(file, begin(file))
})

for (const [how, locks] of [['', () => new Locks()], [' also without the locks of a browser', () => undefined]]) {
  test(`one file twice at a time is two uploads${how}`, async () => {
    define('navigator', { onLine: true, locks: locks() })
    const file = fileOf(3)
    const [one, two] = await Promise.all([begin(file), begin(file)])
    assert.notEqual(one.key, two.key)
    assert.equal(cloud.objects.size, 2)
    await begin(file)
    assert.equal(cloud.objects.size, 3)
  })
}

test('a file that can no longer be read says so, and is not tried again', async () => {
  const file = fileOf(3)
  const task = begin(file)
  while (wire.sent.length < 1) await settle(1)
  const arrayBuffer = () => Promise.reject(new DOMException('Changed.', 'NotReadableError'))
  file.slice = () => ({ size: PART, slice: () => ({ arrayBuffer }), arrayBuffer })
  wire.requests.forEach((request) => request.end({ status: 0 }))
  assert.equal((await failure(task)).code, 'unreadable')
  assert.deepEqual(waits, [])
})

test('a closed storage keeps nothing and stops nothing', async () => {
  Object.defineProperty(globalThis, 'localStorage', { get: () => { throw new Error('SecurityError') }, configurable: true })
  try {
    const file = fileOf(3)
    await storedWhole(file, begin(file))
    assert.deepEqual(unfinished({ endpoint: ENDPOINT }), [])
  } finally {
    Object.defineProperty(globalThis, 'localStorage', { value: new Storage(), configurable: true, writable: true })
  }
})

test('a full storage stops nothing', async () => {
  localStorage.setItem = () => { throw new Error('QuotaExceededError') }
  const file = fileOf(3)
  await storedWhole(file, begin(file))
})

test('an unfinished upload can be discarded', async () => {
  const [known] = await leavePageAfter(1, fileOf(3))
  await discard(known, { endpoint: ENDPOINT })
  assert.deepEqual([cloud.uploads.size, cloud.calls.at(-1), Object.keys(localStorage)], [0, 'multipart/abort', []])
})

test('a grant for parts can be sent by itself', async () => {
  const file = fileOf(3)
  await storedWhole(file, send({ method: 'MULTIPART', file }, { endpoint: ENDPOINT }))
})

test('the checksum is CRC-64/XZ', async () => {
  const crc = new Crc64()
  crc.update(new TextEncoder().encode('123456789'))
  assert.equal(crc.value, 0x995dc9bbdf1939fan)
  assert.equal(new Crc64().value, 0n)
  assert.equal(await checksum(new Blob(['This is a test of the emergency broadcast system.'])), 0x27db187fc15bbc72n)
})

test('the checksums of two pieces give that of both, at every length', async () => {
  const bytes = new Uint8Array(3_000_001).map((_, index) => index * 7 + (index >> 8))
  const whole = await checksum(new Blob([bytes]))
  for (const cut of [0, 1, 7, 8, 1000, 1_048_576, 2_999_999, 3_000_001]) {
    const [first, second] = [await checksum(new Blob([bytes.subarray(0, cut)])), await checksum(new Blob([bytes.subarray(cut)]))]
    assert.equal(combine(first, second, bytes.length - cut), whole, `cut at ${cut}`)
  }
})

for (const [name, budget] of [['multipart.js', 7200], ['crc64.js', 1700]]) {
  test(`${name} weighs at most ${budget} bytes gzipped`, async (t) => {
    const weight = gzipSync(await readFile(new URL(name, WEB)), { level: 9 }).length
    t.diagnostic(`${weight} bytes`)
    assert.ok(weight <= budget, `${weight} bytes`)
  })
}
