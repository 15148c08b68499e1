/**
 * Told when it is done, the whole way: a page uploads, the local OSS calls the function, the function tells a back end, and
 * what that answers is the result of the upload. Settings, back end and page are the README's, as they stand in `callbacks/`;
 * only addresses are put in their place.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { bodyOf, openBrowser, serve, startDev, witness } from './support.mjs'

const JSON_TYPE = { 'content-type': 'application/json' }
const PICTURE = { name: '照片 1.png', mimeType: 'image/png', buffer: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64') }

let browser, folder, site, own, dev, backEnd, reconcile
/** What stands between the function and the back end, the messages that came by, and what a back end of one's own received. */
let way, messages, calls, answerOwn

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oss-upload-callbacks-'))
  site = await serve(answerAsSite)
  own = await serve(async (request, response) => {
    calls.push({ headers: request.headers, body: String(await bodyOf(request)) })
    answerOwn(response)
  })
  dev = await startTold()
  Object.assign(process.env, dev.env, { PORT: '0', BUCKET_URL: dev.oss })
  backEnd = (await import('./callbacks/back-end.mjs')).server
  if (!backEnd.listening) await once(backEnd, 'listening')
  reconcile = (await import('./callbacks/reconcile.mjs')).reconcile
  browser = await openBrowser()
  begin()
})

after(async () => {
  await browser?.close()
  await dev?.stop()
  backEnd?.closeAllConnections()
  backEnd?.close()
  await Promise.all([site?.stop(), own?.stop()])
  await rm(folder, { recursive: true, force: true })
})

afterEach(begin)

function begin() {
  way = open
  messages = []
  calls = []
  answerOwn = says(200, '{"id":7}')
}

/** OSS wants a length, which Node leaves out of what it answers to HTTP/1.0 unless the length is set. */
function says(status, text) {
  return (response) => response.writeHead(status, { ...JSON_TYPE, 'content-length': Buffer.byteLength(text) }).end(text)
}

/** Starts the local cloud with the README's settings, and a route whose callback goes to a back end of one's own. */
async function startTold(settings = {}) {
  const text = await readFile(new URL('callbacks/upload.toml', import.meta.url), 'utf8')
  const more = `[routes.own.callback]\nto = ["${own.origin}/gone", "${own.origin}/oss?a=1"]\nvariables.album = "summer"\n[routes.plain]\n`
  const config = join(folder, 'upload.toml')
  await writeFile(config, `${text.replace('http://127.0.0.1:3000', site.origin)}\n${more}`)
  return startDev({ UPLOAD_ORIGINS: site.origin, ...settings }, ['--config', config])
}

/** The site of the page; what the function tells passes through here, so that a test can stand in the way. */
async function answerAsSite(request, response) {
  const body = await bodyOf(request)
  if (request.url === '/uploaded') {
    messages.push({ headers: request.headers, body })
    return way(request, body, response)
  }
  if (request.url === '/reconcile') {
    const delivered = await reconcile(String(body)).then(JSON.stringify, () => undefined)
    return response.writeHead(delivered ? 200 : 400, JSON_TYPE).end(delivered)
  }
  if (request.url !== '/') return response.writeHead(204).end()
  const html = await readFile(new URL('callbacks/page.html', import.meta.url), 'utf8')
  response.writeHead(200, { 'content-type': 'text/html' }).end(html.replace('https://signer.example.com/', dev.page))
}

/** The way is open: the back end answers. */
async function open(request, body, response) {
  const { address, port } = backEnd.address()
  const answer = await fetch(`http://${address}:${port}${request.url}`, { method: 'POST', headers: webhookOf(request.headers), body })
  response.writeHead(answer.status, JSON_TYPE).end(await answer.text())
}

function webhookOf(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => /^(webhook-|content-type)/.test(name)))
}

/** Opens the README's page; `save` chooses a file and gives the next line that the page logs. */
async function visit(body) {
  const page = await browser.newPage()
  try {
    const { assertClean } = await witness(page)
    await page.goto(site.origin)
    const save = async (file) => {
      const line = page.waitForEvent('console', (message) => /^(saved|failed) /.test(message.text()))
      await page.locator('input').setInputFiles(file)
      return (await line).text()
    }
    await body({ page, save, assertClean })
  } finally {
    await page.close()
  }
}

/** Uploads in the page by the client, and gives what comes of it; `tries` and all are the client's own. */
function attempt(page, route = 'photos') {
  const at = { client: `${dev.page}client.js`, route, bytes: [...PICTURE.buffer], name: PICTURE.name }
  return page.evaluate(async ({ client, route, bytes, name }) => {
    const { upload } = await import(client)
    const file = new File([new Uint8Array(bytes)], name, { type: 'image/png' })
    return upload(file, { route }).catch((error) => ({ ...error, message: error.message }))
  }, at)
}

async function stored(key) {
  const answer = await fetch(`${dev.oss}/${key.split('/').map(encodeURIComponent).join('/')}`)
  assert.equal(answer.status, 200, key)
  return Buffer.from(await answer.arrayBuffer())
}

test('the page learns the id that the back end gave to the record', () =>
  visit(async ({ save, assertClean }) => {
    const [, id, key] = (await save(PICTURE)).match(/^saved (rec_\d+) (uploads\/.*)$/)
    assert.deepEqual(await stored(key), PICTURE.buffer)
    const { data, type } = JSON.parse(messages[0].body)
    assert.deepEqual([type, data.route, data.key, data.size, data.type], ['upload.completed', 'photos', key, PICTURE.buffer.length, 'image/png'])
    assert.deepEqual(data.image, { format: 'png', height: 1, width: 1 })
    assert.notEqual((await save(PICTURE)).split(' ')[1], id)
    assert.equal(messages.length, 2)
    assertClean()
  }))

test('who does not have the secret tells the back end nothing', async () => {
  const { address, port } = backEnd.address()
  const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': String(Math.floor(Date.now() / 1000)), 'webhook-signature': 'v1,AAAA' }
  const answer = await fetch(`http://${address}:${port}/uploaded`, { method: 'POST', headers, body: '{"data":{}}' })
  assert.equal(answer.status, 400)
})

test('what was not granted is reported as a mismatch and is no record', async () => {
  const { suspects } = await import('./callbacks/back-end.mjs')
  const sign = async () => (await fetch(`${dev.page}get_post_signature_for_oss_upload?route=photos`)).json()
  for (const [type, added] of [['image/,text/html'], ['image/png', 'text/html']]) {
    const grant = await sign()
    const key = `${grant.dir}a.png`
    const { policy, signature, callback, x_oss_credential, x_oss_date, security_token } = grant
    const fields = { key, policy, callback, 'x-oss-signature-version': 'OSS4-HMAC-SHA256', 'x-oss-credential': x_oss_credential, 'x-oss-date': x_oss_date, 'x-oss-signature': signature, 'x-oss-security-token': security_token, success_action_status: '200' }
    if (added) fields['x-oss-content-type'] = added
    const form = new FormData()
    for (const name in fields) form.append(name, fields[name])
    form.append('file', new Blob(['<script></script>'], { type }), 'a.png')
    const answer = await fetch(grant.host, { method: 'POST', body: form })
    assert.equal(answer.status, 203)
    assert.match(await answer.text(), /Error status : 403/)
    const { data, type: event } = JSON.parse(messages.at(-1).body)
    assert.deepEqual([event, data.stored.key, data.stored.type, data.mismatches], ['upload.mismatched', key, added ?? type, ['type']])
    assert.equal(suspects.at(-1).key, key)
    const { callbackBody } = JSON.parse(Buffer.from(callback, 'base64'))
    assert.match(callbackBody, /receipt=r1\./)
  }
  assert.equal(messages.length, 2)
})

/** What a back end can do wrong. The slow one takes the function's whole budget. */
const FAULTS = {
  'is slow': () => {},
  'answers 500': (_, __, response) => response.writeHead(500).end(),
  'answers something that is no JSON': (_, __, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Thanks</h1>'),
  'answers more than 64 KiB': (_, __, response) => response.writeHead(200, JSON_TYPE).end(JSON.stringify({ id: 'x'.repeat(70_000) })),
  'hangs up': (_, __, response) => response.destroy(),
  'hangs up in the middle': (_, __, response) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-length': '100' }).write('{"id":')
    setImmediate(() => response.destroy())
  },
}

for (const [what, fault] of Object.entries(FAULTS)) {
  test(`a back end that ${what}: the file is stored, and the receipt mends it`, () =>
    visit(async ({ page, save, assertClean }) => {
      way = fault
      const error = await attempt(page)
      assert.deepEqual([error.code, error.status], ['callback_failed', 203])
      assert.match(error.message, /^Stored, but the upload callback failed\. ./)
      assert.match(error.requestId, /\S/)
      assert.deepEqual(await stored(error.key), PICTURE.buffer)
      assert.equal(messages.length, 1)

      const { id } = await reconcile(error.receipt)
      way = open
      const again = await attempt(page)
      assert.notEqual(again.result.id, id)
      if (what === 'is slow') return // Once more would be as slow.
      way = fault
      assert.match(await save(PICTURE), /^saved rec_\d+ uploads\//)
      assertClean()
    }))
}

test('a receipt that was changed, or whose object is not there, mends nothing', () =>
  visit(async ({ page }) => {
    const grants = async () => {
      const ask = { route: 'photos', files: [{ name: 'a.png', type: 'image/png', size: 9 }] }
      const answer = await fetch(`${dev.page}uploads`, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(ask) })
      return (await answer.json()).uploads[0].fields['x:receipt']
    }
    await assert.rejects(reconcile(await grants()), /is not at/)
    way = FAULTS['answers 500']
    const { receipt } = await attempt(page)
    const [mark, payload, code] = receipt.split('.')
    const other = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(payload, 'base64url')), sub: 'mallory' })).toString('base64url')
    await assert.rejects(reconcile([mark, other, code].join('.')), /no receipt of ours/)
    await reconcile(receipt)
  }))

test('an upload that is reconciled and notified all the same is one record', () =>
  visit(async ({ page }) => {
    const { result, receipt } = await attempt(page)
    assert.deepEqual(await reconcile(receipt), result)
  }))

test("a replay of OSS's call is answered the same and notifies nobody", async () => {
  const heard = []
  let front
  const recorder = await serve(async (request, response) => {
    heard.push({ url: request.url, headers: request.headers, body: await bodyOf(request) })
    const answer = await replay(front, heard.at(-1))
    says(answer.status, await answer.text())(response)
  })
  const first = dev
  try {
    dev = await startTold({ ...first.env, PUBLIC_URL: recorder.origin })
    front = dev.page
    await visit(async ({ page }) => {
      const { result } = await attempt(page)
      assert.equal(heard.length, 1)
      for (const answer of [await replay(front, heard[0]), await replay(front, heard[0])]) {
        assert.deepEqual([answer.status, await answer.json()], [200, result])
      }
      const body = String(heard[0].body).replace(/size=\d+/, 'size=1')
      assert.equal((await replay(front, { ...heard[0], body })).status, 403)
      assert.equal(messages.length, 1)
    })
    await dev.stop()
  } finally {
    dev = first
    await recorder.stop()
  }
})

/** Says what OSS said. */
function replay(front, { url, headers, body }) {
  const { 'content-type': type, authorization, 'x-oss-pub-key-url': key } = headers
  return fetch(new URL(url, front), { method: 'POST', headers: { 'content-type': type, authorization, 'x-oss-pub-key-url': key }, body })
}

test("a back end of one's own is called by OSS itself, one address after another", () =>
  visit(async ({ page, assertClean }) => {
    const found = answerOwn
    answerOwn = (response) => {
      answerOwn = found
      says(404, '')(response)
    }
    const { key, result } = await attempt(page, 'own')
    assert.deepEqual(result, { id: 7 })
    assert.equal(calls.length, 2)
    const delivered = Object.fromEntries(new URLSearchParams(calls[1].body))
    assert.deepEqual([delivered.object, delivered['x:album'], delivered.mimeType], [key, 'summer', 'image/png'])
    assert.match(calls[1].headers['x-oss-pub-key-url'], /\S/)
    const { granted } = await import('./callbacks/receipt.mjs')
    assert.equal(granted(delivered.receipt).key, key)
    answerOwn = says(404, '')
    assert.equal((await attempt(page, 'own')).code, 'callback_failed')
    assertClean()
  }))

for (const [locale, words, record] of [['en-US', /The file is stored, but the application has not confirmed it\. Do not upload it again\./, /record rec_\d+/], ['zh-CN', /文件已存储，但应用尚未确认。/, /编号 rec_\d+/]]) {
  test(`the upload page says in ${locale} what became of it, and does not offer to upload again`, async () => {
    const context = await browser.newContext({ locale })
    const page = await context.newPage()
    const { assertClean } = await witness(page)
    await page.goto(`${dev.page}?route=photos`)
    await page.locator('#page').waitFor()
    const row = page.locator('.row').last()
    await page.setInputFiles('#files', PICTURE)
    await page.locator('.row[data-state=done]').waitFor()
    assert.match(await row.locator('.state').textContent(), record)
    way = FAULTS['answers 500']
    await page.setInputFiles('#files', PICTURE)
    await page.locator('.row[data-state=unconfirmed]').waitFor()
    assert.match(await page.locator('#tally').textContent(), locale === 'zh-CN' ? /已上传 2 个，1 个未确认$/ : /^2 of 2 uploaded · 1 not confirmed$/)
    assert.match(await row.locator('.words').textContent(), words)
    assert.match(await row.locator('.stored').textContent(), /^uploads\//)
    assert.deepEqual(await row.locator('[data-do]:not([hidden])').evaluateAll((all) => all.map((one) => one.dataset.do)), ['hide'])
    assertClean()
    await context.close()
  })
}

/** A form of a grant as a server would write it into a page, to be posted without a script. */
function nativeForm({ url, fields }, redirect) {
  const text = (value) => value.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
  const inputs = Object.entries({ ...fields, success_action_redirect: redirect }).map(([name, value]) => `<input type="hidden" name="${name}" value="${text(value)}">`)
  return `<!doctype html><title>form</title><link rel="icon" href="data:,"><form action="${url}" method="post" enctype="multipart/form-data">${inputs.join('')}<input type="file" name="file"><button>Upload</button></form>`
}

for (const route of ['photos', 'plain']) {
  test(`a native form with a redirect works on the route ${route}`, async () => {
    const ask = { route, files: [{ name: 'a.png', type: 'image/png', size: PICTURE.buffer.length }] }
    const answer = await fetch(`${dev.page}uploads`, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify(ask) })
    const [grant] = (await answer.json()).uploads
    const thanks = await serve((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Thanks</title>'))
    const form = await serve((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(nativeForm(grant, `${thanks.origin}/thanks`)))
    const context = await browser.newContext({ javaScriptEnabled: false })
    try {
      const page = await context.newPage()
      await page.goto(form.origin)
      await page.locator('[type=file]').setInputFiles(PICTURE)
      await page.getByRole('button', { name: 'Upload' }).click()
      await page.waitForURL(`${thanks.origin}/thanks`)
      assert.deepEqual(await stored(grant.key), PICTURE.buffer)
      assert.equal(messages.length, route === 'photos' ? 1 : 0)
    } finally {
      await context.close()
      await Promise.all([form.stop(), thanks.stop()])
    }
  })
}
