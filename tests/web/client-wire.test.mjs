/**
 * The client in Chromium, against a signer and an OSS that say whatever a test wants: what a browser makes of its
 * requests and of the answers. When it tries again is client.test.mjs's business.
 */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, beforeEach, test } from 'node:test'
import { bodyOf, openBrowser, ROOT, serve } from './support.mjs'

const CLIENT = `${ROOT}src/http/web/client.js`
const KEY = 'uploads/2026/11/21/0a1b/照片 #1.png'
const JSON_TYPE = { 'content-type': 'application/json' }
const OPEN = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*', 'access-control-max-age': '0' }

let browser, page, signer, oss
/** What the two servers answer, and what they were asked, per test. */
let script, asked

before(async () => {
  signer = await serve(answerAsSigner)
  oss = await serve(answerAsOss)
  browser = await openBrowser()
  page = await browser.newPage()
  await page.goto(`${signer.origin}/prefix/`)
})

after(async () => {
  await browser?.close()
  await Promise.all([signer?.stop(), oss?.stop()])
})

beforeEach(() => {
  script = { signer: grants(), preflight: ok, oss: ok }
  asked = { calls: [], preflights: 0, forms: [] }
})

async function answerAsSigner(request, response) {
  if (request.url === '/prefix/client.js') {
    response.writeHead(200, { 'content-type': 'text/javascript' }).end(await readFile(CLIENT))
  } else if (request.url === '/prefix/uploads') {
    asked.calls.push({ headers: request.headers, body: JSON.parse(await bodyOf(request)) })
    script.signer(response)
  } else {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>')
  }
}

async function answerAsOss(request, response) {
  if (request.method === 'OPTIONS') {
    asked.preflights += 1
    script.preflight(response)
    return
  }
  const body = await bodyOf(request).catch(() => undefined) // A cancelled upload has no whole body.
  if (!body) return
  const form = await new Response(body, { headers: { 'content-type': request.headers['content-type'] } }).formData()
  asked.forms.push([...form].map(([name, value]) => [name, typeof value === 'string' ? value : `${value.name} ${value.type} ${value.size}`]))
  script.oss(response)
}

function ok(response) {
  response.writeHead(200, OPEN).end()
}

function answer(status, body) {
  return (response) => response.writeHead(status, JSON_TYPE).end(JSON.stringify(body))
}

function grants() {
  return (response) => {
    const fields = { key: KEY, policy: 'eyJ9', 'x-oss-signature': 'aa', success_action_status: '200' }
    const uploads = asked.calls.at(-1).body.files.map(() => ({ method: 'POST', url: oss.origin, fields, key: KEY, expires_at: '2026-11-21T10:10:00Z' }))
    answer(200, { server_time: '2026-11-21T10:00:00Z', uploads })(response)
  }
}

function xml(status, inner, headers = OPEN) {
  return (response) => response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inner}</Error>`)
}

/** Uploads one small file in the browser and says what came of it. */
function attempt({ tries = 1, ...rest } = {}, { name = 'a.png', type = 'image/png', size = 3 } = {}) {
  return page.evaluate(
    async ({ options, name, type, size }) => {
      const { upload, UploadError } = await import('/prefix/client.js')
      try {
        return await upload(new File([new Uint8Array(size)], name, { type }), options)
      } catch (error) {
        return { ...error, message: error.message, isUploadError: error instanceof UploadError }
      }
    },
    { options: { tries, ...rest }, name, type, size },
  )
}

async function refusedWith(code) {
  const error = await attempt()
  assert.equal(error.code, code, JSON.stringify(error))
  assert.equal(error.isUploadError, true)
  assert.ok(error.message)
  return error
}

test('an upload gives the key, and an address with every part of it encoded', async () => {
  const encoded = 'uploads/2026/11/21/0a1b/%E7%85%A7%E7%89%87%20%231.png'
  const { key, url } = await attempt()
  assert.deepEqual({ key, url }, { key: KEY, url: `${oss.origin}/${encoded}` })
})

test('the ask names the file, the type and the size, and the route when there is one', async () => {
  await attempt({}, { name: '照片.png' })
  await attempt({ route: 'avatar' }, { name: 'README', type: '' })
  assert.deepEqual(asked.calls.map(({ body }) => body), [
    { files: [{ name: '照片.png', type: 'image/png', size: 3 }], multipart: true },
    { route: 'avatar', files: [{ name: 'README', size: 3 }], multipart: true },
  ])
  assert.equal(asked.calls[0].headers['content-type'], 'application/json')
})

test('an endpoint is taken with and without its last slash', async () => {
  for (const endpoint of [`${signer.origin}/prefix`, `${signer.origin}/prefix/`, '/prefix', '.']) {
    assert.equal((await attempt({ endpoint })).key, KEY, endpoint)
  }
})

test('extra headers reach the signer', async () => {
  await attempt({ headers: { authorization: 'Bearer ticket' } })
  assert.equal(asked.calls[0].headers.authorization, 'Bearer ticket')
})

test('the form carries the fields as they were given, and the file last', async () => {
  await attempt()
  assert.deepEqual(asked.forms, [[
    ['key', KEY], ['policy', 'eyJ9'], ['x-oss-signature', 'aa'], ['success_action_status', '200'], ['file', 'a.png image/png 3'],
  ]])
})

test('200, 201 and 204 are successes', async () => {
  for (const status of [200, 201, 204]) {
    script.oss = (response) => response.writeHead(status, OPEN).end()
    assert.equal((await attempt()).key, KEY, String(status))
  }
})

test('a 203 is stored, but the callback failed', async () => {
  script.oss = xml(203, '<Code>CallbackFailed</Code><Message>Error status : 502.</Message><RequestId>5C3D</RequestId><EC>0007-00000203</EC>')
  const error = await refusedWith('callback_failed')
  assert.deepEqual([error.status, error.key, error.ec, error.requestId, error.message], [203, KEY, '0007-00000203', '5C3D', 'Stored, but the upload callback failed. Error status : 502.'])
})

test('a refusal of OSS keeps its own code', async () => {
  script.oss = xml(400, '<Code>EntityTooLarge</Code><Message>Over &quot;the range&quot;.</Message><RequestId>5C3D</RequestId><EC>0006-00000003</EC>')
  const error = await refusedWith('EntityTooLarge')
  assert.deepEqual([error.status, error.message, error.ec, error.requestId], [400, 'Over "the range".', '0006-00000003', '5C3D'])
})

test('an answer that is not of OSS is a bad answer', async () => {
  script.oss = (response) => response.writeHead(502, { 'content-type': 'text/html', ...OPEN }).end('<html><br>Bad gateway')
  assert.equal((await refusedWith('bad_answer')).status, 502)
})

test('an answer that CORS hides is a network failure that says so', async () => {
  script.oss = xml(403, '<Code>AccessDenied</Code>', {})
  const error = await refusedWith('network')
  assert.match(error.message, /CORS/)
  assert.equal(error.status, 0)
})

test('a bucket whose CORS rules do not know the page is sent nothing that it would store', async () => {
  script.preflight = (response) => response.writeHead(403).end()
  await refusedWith('network')
  assert.deepEqual([asked.preflights, asked.forms], [1, []])
})

test('a bucket that hangs up is a network failure', async () => {
  script.oss = (response) => response.destroy()
  await refusedWith('network')
})

test('a refused file keeps the code, the sentence and the limits of the signer, and nothing is sent', async () => {
  const limits = { min_size: 1, max_size: 2, types: ['image/png'] }
  script.signer = answer(200, { uploads: [{ error: { error: 'file_too_large', message: 'At most 2 bytes.', limits } }] })
  const error = await refusedWith('file_too_large')
  assert.deepEqual([error.message, error.limits], ['At most 2 bytes.', limits])
  assert.deepEqual(asked.forms, [])
})

test('a refused call keeps its status and request id', async () => {
  script.signer = answer(403, { error: 'origin_not_allowed', message: 'Not from here.', request_id: 'r-1' })
  const error = await refusedWith('origin_not_allowed')
  assert.deepEqual([error.status, error.message, error.requestId], [403, 'Not from here.', 'r-1'])
})

test('a gateway page instead of a signer is a bad answer', async () => {
  script.signer = (response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>')
  assert.equal((await refusedWith('bad_answer')).status, 502)
  script.signer = answer(200, ['something', 'else'])
  assert.equal((await refusedWith('bad_answer')).status, 200)
})

test('a signer out of reach is a network failure', async () => {
  script.signer = (response) => response.destroy()
  const error = await refusedWith('network')
  assert.match(error.message, /signer/)
})

test('many files are signed in one call, with a verdict each', async () => {
  const refused = { error: { error: 'type_not_allowed', message: 'No.', limits: {} } }
  script.signer = answer(200, { uploads: [{ method: 'POST', url: oss.origin, fields: { key: KEY }, key: KEY }, refused] })
  const result = await page.evaluate(async () => {
    const { sign, send } = await import('/prefix/client.js')
    const files = [new File(['a'], 'a.png'), new File(['b'], 'b.html')]
    const [grant, refusal] = await sign(files)
    return { stored: await send(grant), refused: await send(refusal).catch((error) => error.code) }
  })
  assert.deepEqual([result.stored.key, result.refused, asked.calls.length], [KEY, 'type_not_allowed', 1])
})

test('progress counts the bytes of the file, from below to all of it', async () => {
  const size = 5_000_000
  const seen = await page.evaluate(async (size) => {
    const { upload } = await import('/prefix/client.js')
    const seen = []
    await upload(new File([new Uint8Array(size)], 'a.bin'), { onProgress: (progress) => seen.push(progress) })
    return seen
  }, size)
  const loaded = seen.map((progress) => progress.loaded)
  assert.ok(seen.every(({ total }) => total === size))
  assert.deepEqual(loaded, loaded.toSorted((one, two) => one - two))
  assert.ok(loaded[0] >= 0)
  assert.equal(loaded.at(-1), size)
})

/** Aborts at a stage: before anything, while signing, while sending, after the end. */
function abortAt(stage) {
  return page.evaluate(async (stage) => {
    const { upload } = await import('/prefix/client.js')
    const controller = new AbortController()
    const abort = () => controller.abort()
    if (stage === 'before') abort()
    if (stage === 'signing') setTimeout(abort)
    const onProgress = stage === 'sending' ? abort : undefined
    const result = upload(new File([new Uint8Array(5_000_000)], 'a.bin'), { signal: controller.signal, onProgress })
    const outcome = await result.then(({ key }) => key, ({ code, status }) => `${code} ${status}`)
    abort()
    return outcome
  }, stage)
}

test('a signal cancels before, while signing and while sending, and does no harm afterwards', async () => {
  assert.equal(await abortAt('before'), 'aborted 0')
  assert.equal(await abortAt('sending'), 'aborted 0')
  assert.equal(await abortAt('never'), KEY)
  script.signer = () => {}
  assert.equal(await abortAt('signing'), 'aborted 0')
})

test('a grant is not sent under a signal that is already spent', async () => {
  const code = await page.evaluate(async (url) => {
    const { send } = await import('/prefix/client.js')
    return send({ url, fields: {}, key: 'a', file: new File(['a'], 'a') }, { signal: AbortSignal.abort() }).catch((error) => error.code)
  }, oss.origin)
  assert.equal(code, 'aborted')
})
