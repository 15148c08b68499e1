/** The client's decisions, without a browser: `fetch`, `XMLHttpRequest` and the clock say what a test wants. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { beforeEach, mock, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { grant, sign, send, upload, UploadError } from '../../src/http/web/client.js'

const CLIENT = new URL('../../src/http/web/client.js', import.meta.url)
const GRANT = { method: 'POST', url: 'https://up.example.com', fields: { key: 'a/1' }, key: 'a/1', expires_at: '2026-11-21T10:10:00Z' }
const TOLD = { ...GRANT, fields: { ...GRANT.fields, 'x:receipt': 'r1.e30.AA' } }
const STORED = { key: 'a/1', url: 'https://up.example.com/a/1' }
const FILE = new File(['12345'], 'a.txt', { type: 'text/plain' })
const held = () => ({ ...GRANT, file: FILE })
const FORM = 105 // Bytes of the form: the fields before the file are a hundred.
const EXPIRED = refusal(403, 'AccessDenied', '0006-00000213')
const EXISTS = refusal(409, 'FileAlreadyExists')

/** What the signer and OSS answer, one after the other; the last answer stays. Each may be a function. */
let signer, oss
/** What the signer's `/health` answers to a page of another origin. */
let health
/** What they were asked, and for how long the client waited between. */
let calls, probes, forms, waits

beforeEach(() => {
  signer = [granted()]
  oss = [{ status: 200 }]
  health = unreachable
  calls = []
  probes = []
  forms = []
  waits = []
  mock.reset()
  mock.method(Math, 'random', () => 0)
  mock.method(globalThis, 'setTimeout', (done, wait) => waits.push(wait) && queueMicrotask(done))
  mock.method(globalThis, 'fetch', async (url, options) => {
    if (options.mode === 'no-cors') return probes.push(url) && health()
    calls.push({ url, ...options, body: JSON.parse(options.body) })
    options.signal?.throwIfAborted()
    return next(signer)()
  })
})

function next(answers) {
  return answers.length > 1 ? answers.shift() : answers[0]
}

globalThis.XMLHttpRequest = class {
  upload = {}
  status = 0
  responseXML = null

  open(method, url) {
    this.opened = `${method} ${url}`
  }

  send(form) {
    forms.push({ opened: this.opened, fields: [...form] })
    queueMicrotask(() => this.answer(next(oss)))
  }

  /** A script is `{ status, sent, code, ec }`: `sent` bytes of the form go first, all of them unless said otherwise. */
  answer({ status = 0, sent = FORM, code, ec, text = '', hangs }) {
    for (const loaded of [50, 102, FORM].filter((one) => one <= sent)) this.upload.onprogress({ loaded, total: FORM })
    if (hangs) return hangs()
    this.status = status
    this.response = text
    const texts = { Code: code, EC: ec, Message: code && `${code} it is.`, RequestId: code && 'r-oss' }
    this.responseXML = code && { querySelector: (tag) => texts[tag] && { textContent: texts[tag] } }
    this.onloadend()
  }

  abort() {
    this.onloadend()
  }
}

function granted(grant = GRANT) {
  return worded(200, { uploads: [grant] })
}

function worded(status, body, headers) {
  return () => new Response(JSON.stringify(body), { status, headers })
}

function refusal(status, code, ec) {
  return { status, code, ec }
}

function lost(sent = FORM) {
  return { sent }
}

function unreachable() {
  throw new TypeError('Failed to fetch')
}

/** Gives what is reported, without what is not set. */
function plain(value) {
  return JSON.parse(JSON.stringify(value))
}

/** Gives what an error says. */
async function failure(promise) {
  const error = await promise.then((result) => assert.fail(`no failure but ${JSON.stringify(result)}`), (error) => error)
  assert.ok(error instanceof UploadError, error)
  assert.ok(error.message)
  return { ...plain(error), message: error.message }
}

async function codeOf(promise) {
  return (await failure(promise)).code
}

test('the client weighs at most 2.6 KB gzipped', async (t) => {
  const weight = gzipSync(await readFile(CLIENT), { level: 9 }).length
  t.diagnostic(`${weight} bytes`)
  assert.ok(weight <= 2600, `${weight} bytes`)
})

test('the client needs nothing else', async () => {
  assert.doesNotMatch(await readFile(CLIENT, 'utf8'), /^\s*import\b/m)
})

test('an upload is one call and one form, with the file last', async () => {
  assert.deepEqual(plain(await upload(FILE, { endpoint: 'https://signer.example.com', route: 'avatar', metadata: { owner: 'me' } })), STORED)
  assert.deepEqual(calls.map(({ url, method, headers, body }) => ({ url, method, headers, body })), [{
    url: 'https://signer.example.com/uploads',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: { route: 'avatar', files: [{ name: 'a.txt', type: 'text/plain', size: 5, metadata: { owner: 'me' } }], multipart: true },
  }])
  assert.deepEqual(forms.map(({ opened, fields }) => [opened, fields.map(([name]) => name)]), [['POST https://up.example.com', ['key', 'file']]])
  assert.deepEqual(waits, [])
})

test('headers are given as they are, or made anew for each try', async () => {
  await sign([FILE], { endpoint: '.', headers: { authorization: 'Bearer one' } })
  assert.equal(calls[0].headers.authorization, 'Bearer one')
  signer = [unreachable, granted()]
  let made = 0
  await sign([FILE], { endpoint: '.', headers: async () => ({ authorization: `Bearer ${(made += 1)}` }) })
  assert.deepEqual(calls.slice(1).map(({ headers }) => headers.authorization), ['Bearer 1', 'Bearer 2'])
})

test('headers that cannot be made are the failure of who makes them, and not tried again', async () => {
  const broken = () => Promise.reject(new RangeError('no token'))
  await assert.rejects(upload(FILE, { headers: broken }), RangeError)
  assert.deepEqual([calls, waits], [[], []])
})

test('files that can be read only once are asked for again all the same', async () => {
  signer = [unreachable, granted()]
  await sign([FILE].values())
  assert.deepEqual(calls.map(({ body }) => body.files.length), [1, 1])
})

test('a signer that does not answer is asked four times, ever later', async () => {
  signer = [unreachable]
  const retries = []
  const error = await failure(upload(FILE, { onRetry: ({ error, wait }) => retries.push(`${error.code} ${wait}`) }))
  assert.deepEqual([error.code, error.status, calls.length], ['network', 0, 4])
  assert.match(error.message, /signer/)
  assert.deepEqual(waits, [500, 1000, 2000])
  assert.deepEqual(retries, ['network 0.5', 'network 1', 'network 2'])
})

test('chance spreads the waits up to their double', async () => {
  Math.random.mock.mockImplementation(() => 0.999)
  oss = [lost(0)]
  await codeOf(send(held()))
  assert.deepEqual(waits.map(Math.round), [1000, 1999, 3998])
})

test('the number of tries is the caller\'s', async () => {
  oss = [lost(0)]
  assert.equal(await codeOf(send(held(), { tries: 1 })), 'network')
  assert.deepEqual([forms.length, waits], [1, []])
  await codeOf(send(held(), { tries: 2 }))
  assert.deepEqual([forms.length, waits], [3, [500]])
})

test('408, 429 and all from 500 on are tried again, and nothing else', async () => {
  for (const status of [408, 429, 500, 502, 503, 504]) {
    oss = [refusal(status, 'Busy'), { status: 200 }]
    assert.deepEqual(plain(await send(held())), STORED, String(status))
  }
  assert.equal(waits.length, 6)
  for (const status of [400, 403, 404, 411]) {
    oss = [refusal(status, 'No')]
    assert.equal(await codeOf(send(held())), 'No')
  }
  assert.equal(waits.length, 6)
})

test('a signer that says when is asked again then, unless that is more than a minute', async () => {
  const busy = { error: 'credentials_unavailable', message: 'Later.' }
  signer = [worded(503, busy, { 'retry-after': '7' }), granted()]
  await sign([FILE])
  assert.deepEqual(waits, [7000])
  signer = [worded(429, busy, { 'retry-after': '61' })]
  assert.equal((await failure(sign([FILE]))).retryAfter, 61)
  assert.equal(waits.length, 1)
})

test('a signer\'s refusal keeps its code, sentence, status and request id', async () => {
  signer = [worded(401, { error: 'token_missing', message: 'Send one.', request_id: 'r-1' })]
  assert.deepEqual(await failure(upload(FILE)), { name: 'UploadError', message: 'Send one.', code: 'token_missing', status: 401, requestId: 'r-1', retryAfter: 0 })
  assert.equal(calls.length, 1)
})

test('a refused file is refused before anything is sent', async () => {
  const limits = { min_size: 1, max_size: 2, types: [] }
  signer = [worded(200, { uploads: [GRANT, { error: { error: 'file_too_large', message: 'At most 2.', limits } }] })]
  const [first, refused] = await sign([FILE, FILE])
  assert.deepEqual(first, held())
  assert.deepEqual([refused.code, refused.limits], ['file_too_large', limits])
  assert.equal(await codeOf(send(refused)), 'file_too_large')
  assert.deepEqual(forms, [])
})

test('what is not the signer\'s is a bad answer', async () => {
  signer = [() => new Response('<h1>Gateway</h1>', { status: 404 })]
  assert.deepEqual([(await failure(sign([FILE]))).code, calls.length], ['bad_answer', 1])
  signer = [() => new Response('<h1>Gateway</h1>', { status: 502 })]
  assert.deepEqual([(await failure(sign([FILE]))).code, calls.length], ['bad_answer', 5])
})

test('where no signer is, the error says what to set', async () => {
  const index = () => new Response('<!doctype html>', { status: 200 })
  for (const other of [index, () => new Response('', { status: 404 }), () => new Response('', { status: 405 }), () => Response.json([])]) {
    signer = [other]
    const { code, message } = await failure(upload(FILE, { endpoint: 'https://app.example.com' }))
    assert.deepEqual([code, message], ['bad_answer', 'No signer at https://app.example.com/uploads: set `endpoint`.'])
  }
  assert.equal(calls.length, 4)
})

test('a signer that answers, but not to this page, is said to refuse the origin after a second try', async () => {
  globalThis.location = { origin: 'https://app.example.com' }
  try {
    signer = [unreachable]
    health = () => ({ type: 'opaque' })
    const retries = []
    const { code, message, status } = await failure(upload(FILE, { endpoint: 'https://signer.example.com/', onRetry: ({ wait }) => retries.push(wait) }))
    assert.deepEqual([code, status, retries], ['origin_not_allowed', 403, [0.5]])
    assert.match(message, /https:\/\/app\.example\.com.*UPLOAD_ORIGINS/)
    assert.deepEqual(probes, ['https://signer.example.com/health', 'https://signer.example.com/health'])
    signer = [unreachable, granted()]
    assert.equal((await upload(FILE)).key, GRANT.key)
    signer = [unreachable]
    health = () => ({ type: 'basic' })
    assert.equal(await codeOf(upload(FILE)), 'network')
  } finally {
    delete globalThis.location
  }
})

test('a grant for one file is given, or its refusal thrown', async () => {
  assert.deepEqual(await grant(FILE, { route: 'avatar' }), held())
  assert.equal(calls[0].body.route, 'avatar')
  signer = [worded(200, { uploads: [{ error: { error: 'file_too_large', message: 'At most 2.' } }] })]
  assert.equal(await codeOf(grant(FILE)), 'file_too_large')
})

test('after one refusal every other file still goes under its own grant', async () => {
  const files = ['a', 'b', 'c'].map((name) => new File([name], name))
  const granting = (key) => ({ ...GRANT, key, fields: { key } })
  signer = [worded(200, { uploads: [{ error: { error: 'file_too_large', message: 'No.' } }, granting('b'), granting('c')] })]
  const verdicts = await sign(new Set(files))
  assert.deepEqual(verdicts.map(({ file }) => file), files)
  await Promise.all(verdicts.filter((verdict) => !(verdict instanceof UploadError)).map((verdict) => send(verdict)))
  assert.deepEqual(forms.map(({ fields }) => fields.map(([, value]) => value.name ?? value)), [['b', 'b'], ['c', 'c']])
})

test('a grant without its file is sent nowhere', async () => {
  await assert.rejects(send(GRANT), TypeError)
  assert.deepEqual(forms, [])
})

test('an object that exists after all was sent and the answer lost is our own', async () => {
  oss = [lost(), EXISTS]
  assert.deepEqual(plain(await send(held())), STORED)
  oss = [refusal(502, undefined), lost(50), EXISTS]
  assert.deepEqual(plain(await send(held())), STORED, 'lost behind a gateway, two tries before')
})

test('an object that exists although nothing was sent whole is somebody else\'s', async () => {
  oss = [EXISTS]
  assert.deepEqual(await failure(send(held())), {
    name: 'UploadError', message: 'FileAlreadyExists it is.', code: 'FileAlreadyExists', status: 409, requestId: 'r-oss', ...STORED,
  })
  oss = [lost(102), EXISTS]
  assert.equal(await codeOf(send(held())), 'FileAlreadyExists')
})

test('under a key of the grant\'s own it is ours in any case', async () => {
  oss = [EXISTS]
  assert.deepEqual(plain(await send({ ...held(), unique: true })), STORED)
})

test('another conflict is never taken for success', async () => {
  oss = [lost(), refusal(409, 'FileImmutable')]
  assert.equal(await codeOf(send(held())), 'FileImmutable')
})

for (const [what, spent] of [
  ['has expired', EXPIRED],
  ['is signed with a key that has', refusal(403, 'SecurityTokenExpired')],
]) {
  test(`a grant that ${what} is renewed, once`, async () => {
    const fresh = { ...GRANT, key: 'a/2' }
    signer = [granted(), granted(fresh)]
    oss = [spent, { status: 200 }]
    assert.equal((await upload(FILE)).key, 'a/2')
    assert.deepEqual([calls.length, forms.length, waits], [2, 2, []])
    oss = [spent]
    assert.equal(await codeOf(upload(FILE)), spent.code)
    assert.deepEqual([calls.length, forms.length], [4, 4])
  })
}

test('another refusal renews nothing', async () => {
  oss = [refusal(403, 'AccessDenied', '0006-00000227')]
  assert.equal(await codeOf(upload(FILE)), 'AccessDenied')
  assert.equal(calls.length, 1)
})

test('what was sent under one grant says nothing about the next', async () => {
  oss = [lost(), EXPIRED, EXISTS]
  assert.equal(await codeOf(upload(FILE)), 'FileAlreadyExists')
})

test('what the callback answered is the result, and what is no JSON is none', async () => {
  oss = [{ status: 200, text: '{"id":7}' }]
  assert.deepEqual(await send({ ...TOLD, file: FILE }), { ...STORED, receipt: 'r1.e30.AA', result: { id: 7 } })
  for (const text of ['', '<PostResponse/>', '{"id":']) {
    oss = [{ status: 201, text }]
    assert.deepEqual(plain(await send(held())), STORED, text)
  }
})

test('a failed callback tells where the file is and by which receipt, and is not tried again', async () => {
  oss = [refusal(203, 'CallbackFailed', '0007-00000203')]
  assert.deepEqual(await failure(upload(FILE)), {
    name: 'UploadError', message: 'Stored, but the upload callback failed. CallbackFailed it is.', code: 'callback_failed', status: 203,
    requestId: 'r-oss', ec: '0007-00000203', ...STORED,
  })
  assert.deepEqual([calls.length, forms.length, waits], [1, 1, []])
  assert.equal((await failure(send({ ...TOLD, file: FILE }))).receipt, 'r1.e30.AA')
  oss = [{ status: 203 }]
  assert.equal((await failure(send(held()))).message, 'Stored, but the upload callback failed. HTTP 203.')
})

test('a grant is spent by what it stored, reported or not', async () => {
  for (const status of [200, 203]) {
    const own = { ...held(), unique: true }
    oss = [refusal(status, status == 203 ? 'CallbackFailed' : undefined), EXISTS]
    await send(own).catch(() => {})
    assert.equal(await codeOf(send(own)), 'FileAlreadyExists', String(status))
  }
})

test('an answer that was lost has no result, and leaves the receipt', async () => {
  oss = [lost(), EXISTS]
  assert.deepEqual(await send({ ...TOLD, file: FILE }), { ...STORED, receipt: 'r1.e30.AA' })
})

test('progress counts the file alone, and never falls when it starts again', async () => {
  oss = [lost(), lost(50), { status: 204 }]
  const seen = []
  await send(held(), { onProgress: ({ loaded, total }) => seen.push(`${loaded}/${total}`) })
  assert.deepEqual(seen, ['0/5', '2/5', '5/5', '5/5', '5/5', '5/5', '5/5'])
})

test('a signal that came before costs nothing', async () => {
  assert.equal(await codeOf(upload(FILE, { signal: AbortSignal.abort() })), 'aborted')
  assert.equal(await codeOf(send(held(), { signal: AbortSignal.abort() })), 'aborted')
  assert.deepEqual([calls, forms], [[], []])
})

test('a signal ends a wait at once', async () => {
  const controller = new AbortController()
  setTimeout.mock.mockImplementation(() => {}) // A wait that nothing else ends.
  oss = [lost(0)]
  const onRetry = () => queueMicrotask(() => controller.abort())
  assert.equal(await codeOf(send(held(), { signal: controller.signal, onRetry })), 'aborted')
  assert.equal(forms.length, 1)
})

test('a signal ends what is being sent, and is forgotten afterwards', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const gone = mock.method(signal, 'removeEventListener')
  const added = mock.method(signal, 'addEventListener')
  assert.deepEqual(plain(await send(held(), { signal })), STORED)
  oss = [{ hangs: () => controller.abort() }]
  assert.equal(await codeOf(send(held(), { signal })), 'aborted')
  const listeners = (spy) => spy.mock.calls.map(({ arguments: [, listener] }) => listener)
  assert.equal(added.mock.callCount(), 2)
  assert.deepEqual(listeners(gone), listeners(added))
})

test('a paused upload goes on with the same grant, and a pause is no try', async () => {
  let task
  oss = Array.from({ length: 6 }, () => ({ sent: 50, hangs: () => queueMicrotask(() => (task.pause(), task.resume())) }))
  oss.push({ status: 200 })
  task = upload(FILE, { tries: 1, onRetry: () => assert.fail('a pause is no failure') })
  assert.deepEqual(plain(await task), STORED)
  assert.deepEqual([calls.length, forms.length, waits], [1, 7, []])
})

test('a paused upload sends nothing until it is resumed, and can be aborted', async () => {
  const task = upload(FILE)
  task.pause()
  for (let turn = 0; turn < 20; turn++) await new Promise((done) => setImmediate(done))
  assert.deepEqual(forms, [])
  task.abort()
  assert.equal(await codeOf(task), 'aborted')
  const other = upload(FILE)
  other.pause()
  other.resume()
  assert.deepEqual(plain(await other), STORED)
})

test('an upload can be aborted without a signal, and a signal is still heard', async () => {
  oss = [{ sent: 50, hangs: () => {} }]
  const task = upload(FILE)
  while (!forms.length) await new Promise((done) => setImmediate(done))
  task.abort()
  assert.equal(await codeOf(task), 'aborted')
  assert.equal(await codeOf(upload(FILE, { signal: AbortSignal.abort() })), 'aborted')
  const controller = new AbortController()
  const heard = upload(FILE, { signal: controller.signal })
  while (forms.length < 2) await new Promise((done) => setImmediate(done))
  controller.abort()
  assert.equal(await codeOf(heard), 'aborted')
})
