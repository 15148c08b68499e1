/**
 * The pages of the V1 time, from an origin of their own and unmodified, on a route with `signature = "v1"`. Neither
 * posts a security token, so they need a function that signs with a long-lived key; with the role's temporary key
 * only a page that was taught to send the token gets through, here as on the real OSS.
 */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openBrowser, serve, startDev, witness } from './support.mjs'

const PAGES = { '/newer': newerPage, '/older': olderPage, '/taught': taughtPage, '/native': nativePage }

let browser, site, folder, config

before(async () => {
  site = await serve((request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(html(PAGES[request.url])))
  folder = await mkdtemp(join(tmpdir(), 'oss-upload-v1-'))
  config = join(folder, 'upload.toml')
  await writeFile(config, `origins = ["${site.origin}"]\n\n[routes.default]\nsignature = "v1"\n`)
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await site?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Each page is a script that is given addresses and leaves `upload(name, content)` behind. */
function html(script) {
  return `<!doctype html><html lang="en"><head><title>a page of the V1 time</title><link rel="icon" href="data:,"></head>
<body><script>window.start = ${script}</script></body></html>`
}

/** Reads `ossAccessKeyId`, makes the key of `dir` and the file's name, asks for every file. */
function newerPage({ sign }) {
  return async (name, content) => {
    const file = new File([content], name, { type: 'text/plain' })
    const { policy, signature, ossAccessKeyId, host, dir } = await (await fetch(sign)).json()
    const form = new FormData()
    form.append('name', name)
    form.append('policy', policy)
    form.append('OSSAccessKeyId', ossAccessKeyId)
    form.append('success_action_status', '200')
    form.append('signature', signature)
    form.append('key', dir + name)
    form.append('file', file)
    const answer = await fetch(host, { method: 'POST', body: form })
    return { key: dir + name, status: answer.status, said: await answer.text() }
  }
}

/**
 * Reads `accessid`, keeps the grant until three seconds before it ends, and lets OSS fill in the file's name. Its
 * library posts the file's name first, and writes a value that is not there as `false`.
 */
function olderPage({ sign }) {
  let grant = { expire: 0 }
  const refresh = () => {
    if (grant.expire >= Math.floor(Date.now() / 1000) + 3) return
    const request = new XMLHttpRequest()
    request.open('GET', sign, false)
    request.send()
    grant = JSON.parse(request.responseText)
    grant.expire = parseInt(grant.expire)
  }
  return (name, content) => {
    refresh()
    const params = {
      name,
      key: grant.dir + '${filename}',
      policy: grant.policy,
      OSSAccessKeyId: grant.accessid,
      success_action_status: '200',
      callback: grant.callback,
      signature: grant.signature,
    }
    const form = new FormData()
    for (const [field, value] of Object.entries(params)) form.append(field, value ?? 'false')
    form.append('file', new File([content], name, { type: 'text/plain' }))
    return new Promise((resolve) => {
      const request = new XMLHttpRequest()
      request.upload.onprogress = () => {}
      request.onloadend = () => resolve({ key: grant.dir + name, status: request.status, said: request.responseText })
      request.open('POST', grant.host)
      request.send(form)
    })
  }
}

/** As the newer page, with the one line that temporary keys ask for. */
function taughtPage({ sign }) {
  return async (name, content) => {
    const grant = await (await fetch(sign)).json()
    const form = new FormData()
    form.append('policy', grant.policy)
    form.append('OSSAccessKeyId', grant.ossAccessKeyId)
    form.append('x-oss-security-token', grant.security_token)
    form.append('success_action_status', '200')
    form.append('signature', grant.signature)
    form.append('key', grant.dir + name)
    form.append('file', new File([content], name, { type: 'text/plain' }))
    const answer = await fetch(grant.host, { method: 'POST', body: form })
    return { key: grant.dir + name, status: answer.status, said: await answer.text() }
  }
}

/** Uses our own client, to which the version makes no difference. */
function nativePage({ page }) {
  return async (name, content) => {
    const { upload } = await import(`${page}client.js`)
    const { key } = await upload(new File([content], name, { type: 'text/plain' }))
    return { key, status: 200, said: '' }
  }
}

/** Starts the local cloud with some options and lets a test visit pages with it. */
async function withDev(options, steps) {
  const dev = await startDev({}, ['--config', config, ...options])
  const open = async (path) => {
    const page = await browser.newPage()
    const { assertClean } = await witness(page)
    const asked = []
    page.on('request', (request) => request.url() === dev.sign && asked.push(request.method()))
    await page.goto(site.origin + path)
    await page.evaluate((addresses) => (window.upload = window.start(addresses)), { sign: dev.sign, page: dev.page })
    const upload = (name, content) => page.evaluate(([name, content]) => window.upload(name, content), [name, content])
    return { page, upload, asked, assertClean }
  }
  const stored = async (key) => (await fetch(`${dev.oss}/${key.split('/').map(encodeURIComponent).join('/')}`)).text()
  try {
    await steps({ open, stored })
  } finally {
    await dev.stop()
  }
}

test('with a long-lived key both pages upload unmodified', () =>
  withDev(['--long-lived-key'], async ({ open, stored }) => {
    for (const path of ['/newer', '/older', '/native']) {
      const { page, upload, assertClean } = await open(path)
      const content = `从 ${path} 来的内容`
      const { key, status, said } = await upload('说明 书.txt', content)
      assert.equal(status, 200, `${path}: ${said}`)
      assert.equal(await stored(key), content)
      assertClean()
      await page.close()
    }
  }))

test('the older page keeps a grant until three seconds before its end', () =>
  withDev(['--long-lived-key'], async ({ open, stored }) => {
    const { page, upload, asked, assertClean } = await open('/older')
    let last
    const uploadAt = async (moment, name) => {
      if (moment) await page.clock.setFixedTime(moment * 1000)
      last = await upload(name, name)
      assert.equal(last.status, 200, last.said)
      assert.equal(await stored(last.key), name)
      return asked.length
    }
    const answered = page.waitForResponse((response) => response.url().endsWith('/get_post_signature_for_oss_upload'))
    assert.equal(await uploadAt(null, 'first.txt'), 1)
    const { expire } = await (await answered).json()
    assert.equal(await uploadAt(null, 'second.txt'), 1)
    assert.equal(await uploadAt(expire - 3, 'third.txt'), 1)
    assert.equal(await uploadAt(expire - 2, 'fourth.txt'), 2)
    assertClean()
    await page.close()
  }))

test('with a temporary key OSS knows the key id only of a page that sends the token', () =>
  withDev([], async ({ open, stored }) => {
    for (const path of ['/newer', '/older']) {
      const { page, upload } = await open(path)
      const { status, said } = await upload('a.txt', 'a')
      assert.equal(status, 403)
      assert.match(said, /<Code>InvalidAccessKeyId<\/Code>/)
      await page.close()
    }
    for (const path of ['/taught', '/native']) {
      const { page, upload, assertClean } = await open(path)
      const { key, status, said } = await upload('a.txt', path)
      assert.equal(status, 200, `${path}: ${said}`)
      assert.equal(await stored(key), path)
      assertClean()
      await page.close()
    }
  }))

test('where V1 is retired its pages say so', () =>
  withDev(['--long-lived-key', '--refuse-v1'], async ({ open }) => {
    for (const path of ['/newer', '/older']) {
      const { page, upload } = await open(path)
      const { status, said } = await upload('a.txt', 'a')
      assert.equal(status, 403)
      assert.match(said, /<EC>0002-00000080<\/EC>/)
      await page.close()
    }
  }))
