/**
 * What a web page of another site can do while `dev` runs: nothing. The page is really foreign: Chromium is configured so that
 * its name leads to this machine, as the owner of a name can have it (DNS rebinding).
 */

import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { bodyOf, openBrowser, serve, startDev } from './support.mjs'

const EVIL = 'evil.example'
const PICTURE = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')

/** What a form without a file input can send: as long as the picture, so that the grant is for it too. */
const TEXT = 'x'.repeat(PICTURE.length)

let browser, folder, site, service, dev
/** What the other service of this machine was asked. */
let asked = []

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oss-upload-foreign-'))
  site = await serve((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>A page</title>'))
  service = await serve(async (request, response) => {
    asked.push(`${request.method} ${request.url} ${await bodyOf(request)}`)
    const answer = '{"secret":"of this machine"}'
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length }).end(answer)
  })
  const config = join(folder, 'upload.toml')
  await writeFile(config, 'auth = "anonymous"\n[routes.notified.callback]\nto = "self"\n[routes.default]\n')
  dev = await startDev({ UPLOAD_ORIGINS: `http://localhost:${new URL(site.origin).port}` }, ['--config', config])
  browser = await openBrowser(`--host-resolver-rules=MAP ${EVIL} 127.0.0.1`)
})

after(async () => {
  await browser?.close()
  await dev?.stop()
  await Promise.all([site?.stop(), service?.stop()])
  await rm(folder, { recursive: true, force: true })
})

/** Opens the site's page under a name, and does something in it. */
async function visit(host, body, port = new URL(site.origin).port) {
  const page = await browser.newPage()
  try {
    const answer = await page.goto(`http://${host}:${port}/`)
    return await body(page, answer)
  } finally {
    await page.close()
  }
}

/** A grant that nobody but the function's own client gets: what a page has at best. */
async function grant(route = 'default') {
  const ask = { route, files: [{ name: 'a.png', type: 'image/png', size: PICTURE.length }] }
  const answer = await fetch(`${dev.page}uploads`, { method: 'POST', body: JSON.stringify(ask) })
  return (await answer.json()).uploads[0]
}

function formOf({ fields }, more = {}) {
  const form = new FormData()
  for (const [name, value] of Object.entries({ ...fields, ...more })) form.append(name, value)
  form.append('file', new Blob([PICTURE], { type: 'image/png' }), 'a.png')
  return form
}

/** Posts a form in the page, as a form without CORS and so that the answer can be read, and gives what the page learns. */
function postFrom(page, upload, more = {}, modes = ['no-cors', 'cors']) {
  const fields = { ...upload.fields, ...more }
  return page.evaluate(
    async ({ url, fields, bytes, modes }) => {
      const send = async (mode) => {
        const form = new FormData()
        for (const [name, value] of Object.entries(fields)) form.append(name, value)
        form.append('file', new Blob([new Uint8Array(bytes)], { type: 'image/png' }), 'a.png')
        return fetch(url, { method: 'POST', body: form, mode }).then(async (answer) => `${answer.type} ${answer.status} ${await answer.text()}`, () => 'unreadable')
      }
      const learnt = []
      for (const mode of modes) learnt.push(await send(mode))
      return learnt
    },
    { url: upload.url, fields, bytes: [...PICTURE], modes },
  )
}

/** The files that are stored, without their names. */
async function stored() {
  const files = await readdir(dev.data, { recursive: true })
  return files.filter((file) => /^\.sidecars\/.*\.json$/.test(file)).length
}

async function put() {
  const upload = await grant()
  const answer = await fetch(upload.url, { method: 'POST', body: formOf(upload) })
  assert.equal(answer.status, 200, await answer.text())
  return { ...upload, address: `${upload.url}/${upload.key}` }
}

test('a program without an origin uploads and reads', async () => {
  const { address } = await put()
  const answer = await fetch(address)
  assert.deepEqual([answer.status, Buffer.from(await answer.arrayBuffer())], [200, PICTURE])
})

test('a foreign page reads no object, neither by a script nor in a picture', async () => {
  const { address } = await put()
  const look = (page) =>
    page.evaluate(async (address) => {
      const read = await fetch(address).then((answer) => answer.text(), () => 'unreadable')
      const shown = await new Promise((resolve) => {
        const picture = new Image()
        picture.onload = () => resolve(`${picture.naturalWidth} wide`)
        picture.onerror = () => resolve('not shown')
        picture.src = address
      })
      const unnamed = await new Promise((resolve) => {
        const picture = new Image()
        picture.referrerPolicy = 'no-referrer'
        picture.onload = () => resolve(`${picture.naturalWidth} wide`)
        picture.onerror = () => resolve('not shown')
        picture.src = `${address}?unnamed`
      })
      return [read === 'unreadable' ? read : 'read', shown, unnamed]
    }, address)
  assert.deepEqual(await visit(EVIL, look), ['unreadable', 'not shown', 'not shown'])
  const [read, shown] = await visit('localhost', look)
  assert.deepEqual([read, shown], ['read', '1 wide'])
})

test('a foreign page has nothing stored, even with a form that is signed', async () => {
  const before = await stored()
  assert.deepEqual(await visit(EVIL, async (page) => postFrom(page, await grant())), ['opaque 0 ', 'unreadable'])
  assert.equal(await stored(), before)
})

test('a foreign page has nothing stored by a form that it submits', async () => {
  const before = await stored()
  const upload = await grant()
  await visit(EVIL, async (page) => {
    const answer = page.waitForResponse((response) => response.request().method() === 'POST')
    await page.evaluate(({ url, fields, text }) => {
      const form = document.createElement('form')
      Object.assign(form, { method: 'post', enctype: 'multipart/form-data', action: url })
      for (const [name, value] of Object.entries({ ...fields, file: text })) {
        form.append(Object.assign(document.createElement('input'), { name, value }))
      }
      document.body.append(form)
      setTimeout(() => form.submit()) // Not before this call is over: the page goes away.
    }, { ...upload, text: TEXT })
    assert.equal((await answer).status(), 403)
    assert.equal((await answer).request().headers().origin, `http://${EVIL}:${new URL(site.origin).port}`)
  })
  assert.equal(await stored(), before)
})

test('a frame that has no origin has nothing stored', async () => {
  const before = await stored()
  const origin = await visit(EVIL, async (page) =>
    page.evaluate(
      async ({ url, fields, text, echo }) => {
        const send = `async () => {
          const form = new FormData()
          for (const [name, value] of Object.entries(${JSON.stringify({ ...fields, file: text })})) form.append(name, value)
          await fetch(${JSON.stringify(url)}, { method: 'POST', body: form, mode: 'no-cors' })
          await fetch(${JSON.stringify(echo)}, { method: 'POST', mode: 'no-cors' })
          parent.postMessage(origin, '*')
        }`
        const said = new Promise((resolve) => addEventListener('message', ({ data }) => resolve(data), { once: true }))
        document.body.append(Object.assign(document.createElement('iframe'), { sandbox: 'allow-scripts', srcdoc: `<script>(${send})()</script>` }))
        return said
      },
      { ...(await grant()), text: TEXT, echo: `${service.origin}/frame` },
    ),
  )
  assert.equal(origin, 'null')
  assert.ok(asked.includes('POST /frame '), 'the frame can reach this machine')
  assert.equal(await stored(), before)
})

test('the key that signs is not in the source any more', async () => {
  const upload = await grant()
  const [id] = upload.fields['x-oss-credential'].split('/')
  assert.match(id, /^STS\.[0-9a-f]{32}$/)
  const credential = upload.fields['x-oss-credential'].replace(id, 'STS.LocalRoleKeyId')
  const answer = await fetch(upload.url, { method: 'POST', body: formOf(upload, { 'x-oss-credential': credential }) })
  assert.deepEqual([answer.status, /<Code>(.*)<\/Code>/.exec(await answer.text())[1]], [403, 'InvalidAccessKeyId'])
})

test('a foreign page gets no grant, not even with a request that needs no preflight', () =>
  visit(EVIL, async (page) => {
    const learnt = await page.evaluate(async (url) => {
      const body = JSON.stringify({ files: [{ name: 'a' }] })
      return fetch(url, { method: 'POST', body }).then((answer) => answer.text(), () => 'unreadable')
    }, `${dev.page}uploads`)
    assert.equal(learnt, 'unreadable')
  }))

test('no page has other services of this machine called, nor reads what they answer', async () => {
  asked = []
  const callback = Buffer.from(JSON.stringify({ callbackUrl: `${service.origin}/admin?x=1`, callbackHost: 'intranet.example', callbackBody: '{"do":"it"}', callbackBodyType: 'application/json' })).toString('base64')
  await visit(EVIL, async (page) => postFrom(page, await grant(), { callback }))
  // A local page may upload, and still it has nobody called but those that the settings name.
  const [learnt] = await visit('localhost', async (page) => postFrom(page, await grant(), { callback }, ['cors']))
  assert.match(learnt, /^cors 203 .*<Code>CallbackFailed<\/Code>/s)
  assert.doesNotMatch(learnt, /secret/)
  assert.deepEqual(asked, [])
})

test('the callback of the settings is made', async () => {
  const upload = await grant('notified')
  const answer = await fetch(upload.url, { method: 'POST', body: formOf(upload) })
  assert.equal(answer.status, 200, await answer.text())
})

test('a page whose name is led to this machine is answered 421 by every server', async () => {
  const { key } = await put()
  for (const [address, path] of [[dev.page, ''], [dev.page, 'client.js'], [dev.oss, key]]) {
    const { port } = new URL(address)
    await visit(EVIL, async (page, answer) => {
      assert.equal(answer.status(), 421, address)
      const learnt = await page.evaluate(async (path) => {
        const ask = await fetch(`/${path}`)
        const post = await fetch('/uploads', { method: 'POST', body: JSON.stringify({ files: [{ name: 'a' }] }) })
        return [ask.status, await ask.text(), post.status, await post.text()]
      }, path)
      assert.deepEqual([learnt[0], learnt[2]], [421, 421], address)
      assert.doesNotMatch(learnt.join(), /policy|signature"|export/)
    }, port)
  }
})

test('a page on another port of localhost uploads with the client', () =>
  visit('localhost', async (page) => {
    const result = await page.evaluate(async (client) => {
      const { upload } = await import(client)
      const seen = []
      const stored = await upload(new File(['hello'], 'a.txt'), { onProgress: ({ loaded }) => seen.push(loaded) })
      return { ...stored, seen }
    }, `${dev.page}client.js`)
    assert.ok(result.seen.length > 0)
    assert.equal(await (await fetch(`${dev.oss}/${result.key}`)).text(), 'hello')
  }))
