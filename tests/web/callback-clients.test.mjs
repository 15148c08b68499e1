/**
 * Other people's clients on a route that has OSS call somebody back: each posts the fields that order it, and the
 * call comes. What each makes of a 203, stored but not reported, is part of the test, so that nobody has to guess.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { recipe, startWorld } from './clients.mjs'
import { bodyOf, openBrowser, serve, witness } from './support.mjs'

/** One pixel: some clients draw what they are given. */
const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
const FILE = { name: '照片 1.png', mimeType: 'image/png', buffer: Buffer.concat([PIXEL, randomBytes(3000)]) }
const STORED = /^stored photos\/[-0-9a-f]{36}\/照片 1\.png$/

/** What Uppy 4 and 5 say before they wait for ever: the answer that refuses nothing and has no ETag. */
const WAITS = /^@uppy\/aws-s3: Could not read the ETag header/

/** Each recipe, and what it says of a 203 if that is not that the file is stored. */
const CLIENTS = [
  { recipe: 'uppy-3.html', packages: 'uppy-3' },
  { recipe: 'uppy-3-sign.html', packages: 'uppy-3' },
  { recipe: 'uppy-5.html', packages: 'uppy-4', untold: WAITS },
  { recipe: 'uppy-5-sign.html', packages: 'uppy-4', untold: WAITS },
  { recipe: 'uppy-5.html', packages: 'uppy-5', untold: WAITS },
  { recipe: 'uppy-5-sign.html', packages: 'uppy-5', untold: WAITS },
  { recipe: 'uppy-6.html', packages: 'uppy-6' },
  { recipe: 'uppy-6-sign.html', packages: 'uppy-6' },
  { recipe: 'filepond.html', untold: /^failed Stored, but the upload callback failed\. Error status : 500\.$/ },
  { recipe: 'dropzone.html' },
  { recipe: 'plupload.html' },
  { recipe: 'antd.html' },
  { recipe: 'element-plus.html' },
]

let browser, world, backEnd
/** The callbacks that arrived, and the answer to the next one. */
let callbacks, answer

before(async () => {
  backEnd = await serve(async (request, response) => {
    callbacks.push(Object.fromEntries(new URLSearchParams(String(await bodyOf(request)))))
    const text = JSON.stringify({ id: callbacks.length })
    response.writeHead(answer, { 'content-type': 'application/json', 'content-length': text.length }).end(text)
  })
  world = await startWorld(`callback.to = "${backEnd.origin}/callback"\ncallback.variables.album = "summer"\n`)
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await world?.stop()
  await backEnd?.stop()
})

beforeEach(() => {
  callbacks = []
  answer = 200
})

/** Opens a page of the recipes. */
async function visit(path, body) {
  const page = await browser.newPage()
  try {
    const { assertClean } = await witness(page)
    await page.goto(world.origin + path)
    await body(page, assertClean)
  } finally {
    await page.close()
  }
}

/** Asserts that a callback for this object arrived, the `count`th of all. */
async function assertCallback(key, count = 1) {
  assert.deepEqual(await world.stored(key), FILE.buffer)
  assert.equal(callbacks.length, count)
  const last = callbacks.at(-1)
  assert.deepEqual([last.object, last.size, last['x:album']], [key, String(FILE.buffer.length), 'summer'])
  assert.match(last.receipt, /^r1\./)
}

/** Uppy 4 and 5 miss a header that OSS is not known to send, say so, and go on. */
const forgiven = (line) => /Could not read the (Location|ETag) header/.test(line)

for (const { recipe, packages = '', untold = STORED } of CLIENTS) {
  test(`${recipe} ${packages}: OSS tells of the file, and of one more of which nobody hears`, () =>
    visit(`/${recipe}?${packages}`, async (page, assertClean) => {
      const choose = async (outcome) => {
        const line = page.waitForEvent('console', (message) => outcome.test(message.text()))
        await page.locator('input[type=file]').first().setInputFiles(FILE)
        return (await line).text()
      }
      const [, key] = (await choose(STORED)).split(/^stored /)
      await assertCallback(key)
      answer = 500
      await choose(untold)
      await assertCallback(callbacks.at(-1).object, 2)
      assertClean({ forgiven })
    }))
}

test('uview-plus shows the file, and shows it too when the callback failed', () =>
  visit('/uview-plus.vue', async (page, assertClean) => {
    for (const [count, status] of [[1, 200], [2, 500]]) {
      answer = status
      await page.locator('#album').setInputFiles(FILE)
      await page.locator('.u-upload__button').dispatchEvent('click')
      const image = page.locator(`.u-upload__wrap__preview__image[src^="${world.oss}"]`)
      await image.nth(count - 1).waitFor()
      const key = (await image.last().getAttribute('src')).slice(`${world.oss}/`.length)
      await assertCallback(decodeURIComponent(key), count)
    }
    assertClean()
  }))

test("the mini program's recipe has the key, and calls what nobody heard of a failure", async () => {
  const text = (await recipe('wechat.js')).replace('https://signer.example.com/', world.page)
  const { upload } = await import(`data:text/javascript,${encodeURIComponent(text)}`)
  globalThis.wx = {
    request: ({ url, data, success }) => void fetch(`${url}?${new URLSearchParams(data)}`).then(async (got) => success({ statusCode: got.status, data: await got.json() })),
    uploadFile: ({ url, name, formData, success }) => {
      const form = new FormData()
      for (const field in formData) form.append(field, formData[field])
      form.append(name, new Blob([FILE.buffer]), FILE.name)
      fetch(url, { method: 'POST', body: form }).then(async (got) => success({ statusCode: got.status, data: await got.text() }))
    },
  }
  const chosen = { tempFilePath: FILE.name, size: FILE.buffer.length }
  await assertCallback(await upload(chosen))
  answer = 500
  await assert.rejects(upload(chosen), { message: 'Error status : 500.' })
  assert.equal(callbacks.length, 2)
})

/** The documentation's page for V4: its own list of fields, and `callback` where the answer has one. */
async function postAsDocumented({ address, name, bytes }) {
  const grant = await (await fetch(`${address}?route=photos&filename=${encodeURIComponent(name)}`)).json()
  const post = (names) => {
    const key = grant.key ?? grant.dir + name
    const known = {
      success_action_status: '200', policy: grant.policy, 'x-oss-signature': grant.signature, 'x-oss-signature-version': 'OSS4-HMAC-SHA256',
      'x-oss-credential': grant.x_oss_credential, 'x-oss-date': grant.x_oss_date, key, 'x-oss-security-token': grant.security_token, callback: grant.callback,
    }
    const form = new FormData()
    for (const field in known) if (names(field)) form.append(field, known[field])
    form.append('file', new File([new Uint8Array(bytes)], name, { type: 'image/png' }))
    return fetch(grant.host, { method: 'POST', body: form }).then(async (got) => ({ key, status: got.status, said: await got.text() }))
  }
  return [await post((field) => field !== 'callback'), await post(() => true)]
}

test("the documentation's page gets a callback too, and is refused where it leaves the callback out", () =>
  visit('/dropzone.html', async (page) => {
    const address = `${world.page}get_post_signature_for_oss_upload`
    const [without, whole] = await page.evaluate(postAsDocumented, { address, name: FILE.name, bytes: [...FILE.buffer] })
    assert.equal(without.status, 403, without.said)
    assert.deepEqual([whole.status, whole.said], [200, '{"id":1}'])
    await assertCallback(whole.key)
  }))
