/**
 * Content types that a browser reads as another type: the signer grants none of them in any dialect, and what it does
 * grant runs no script when it is opened. That Chromium would run one is shown through the documentation's call, which
 * leaves the stored type to the uploader; the local OSS warns of it.
 */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openBrowser, startDev } from './support.mjs'

const SETTINGS = '[routes.png]\ntypes = ["image/png"]\n\n[routes.open]\n'

/** A web page whose script says that it ran, and a picture that does. */
const PAGE = '<!doctype html><title>still</title><script>document.title = "ran"</script>'
const PICTURE = '<svg xmlns="http://www.w3.org/2000/svg"><script>document.documentElement.id = "ran"</script></svg>'

const LISTS = [
  'image/png;,text/html',
  'image/png;,text/html;',
  'image/png,text/html',
  'image/png, text/html',
  'image/,text/html',
  'text/plain;,text/html',
  'application/pdf;,text/html',
  'image/png; charset=utf-8, text/html',
  'image/png; a=b, image/svg+xml',
]

let browser, dev, folder

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'content-type-'))
  const config = join(folder, 'upload.toml')
  await writeFile(config, SETTINGS)
  dev = await startDev({}, ['--config', config])
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await dev?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Asks for this type with every call; gives the status and the JSON of each, by its path. */
async function askAll(route, type) {
  const query = new URLSearchParams({ filename: 'a.png', type })
  const post = (body) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const calls = [
    [`get_post_signature_for_oss_upload?route=${route}&${query}`],
    ['uploads', post({ route, files: [{ name: 'a.png', type }] })],
    [`presigned-post/${route}?${query}`],
    [`uppy/${route}/s3/params?${query}`],
    [`uppy/${route}/sign`, post({ method: 'PUT', key: 'a.png', contentType: type })],
    [`uview/${route}?${query}`],
    [`wechat/${route}?${query}`],
  ]
  return Promise.all(
    calls.map(async ([path, options]) => {
      const response = await fetch(new URL(path, dev.page), options)
      return { path, status: response.status, json: await response.json() }
    }),
  )
}

/** Posts a form with this content; gives the address of the object. */
async function post(fields, content, partType) {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  form.append('file', new Blob([content], { type: partType }), 'a.png')
  const response = await fetch(dev.oss, { method: 'POST', body: form })
  assert.ok(response.ok, await response.text())
  return `${dev.oss}/${fields.key.split('/').map(encodeURIComponent).join('/')}`
}

/** Stores a file with the native call. */
async function store(route, type, content) {
  const answers = await askAll(route, type)
  const [grant] = answers.find(({ path }) => path === 'uploads').json.uploads
  return post(grant.fields, content, 'text/html')
}

/** Opens an object as somebody would who follows a link, and tells what became of it. */
async function open(address) {
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    const saved = page.waitForEvent('download', { timeout: 2000 }).then(() => true, () => false)
    const response = await page.goto(address).catch(() => null)
    if (!response) return { saved: await saved, ran: false }
    const ran = await page.evaluate(() => document.title === 'ran' || document.documentElement.id === 'ran')
    return { type: response.headers()['content-type'], saved: false, ran }
  } finally {
    await context.close()
  }
}

test('no call grants a type that a browser reads as another', async () => {
  for (const type of LISTS) {
    for (const route of ['png', 'open']) {
      for (const { path, status, json } of await askAll(route, type)) {
        const refusal = path === 'uploads' ? json.uploads[0].error : json
        assert.equal(refusal?.error, 'invalid_request', `${type} ${path}: ${status}`)
        assert.doesNotMatch(JSON.stringify(json), /"policy"/, `${type} ${path}`)
      }
    }
  }
})

test('a web page that was granted as a picture stays one, however the type was written', async () => {
  for (const [type, stored] of [
    ['image/png', 'image/png'],
    ['IMAGE/PNG', 'image/png'],
    ['image/png;', 'image/png'],
    ['Image/Png ;Charset="UTF-8"', 'image/png; charset=utf-8'],
  ]) {
    assert.deepEqual(await open(await store('png', type, PAGE)), { type: stored, saved: false, ran: false }, type)
  }
})

test('a file that can run scripts is saved and not shown', async () => {
  for (const [type, content] of [
    ['text/html', PAGE],
    ['TEXT/HTML; charset=utf-8', PAGE],
    ['image/SVG+xml', PICTURE],
    ['application/xhtml+xml', PAGE],
  ]) {
    assert.deepEqual(await open(await store('open', type, content)), { saved: true, ran: false }, type)
  }
})

test('Chromium does run the script of such a type, where the call leaves the type to the uploader', async () => {
  for (const [partType, content] of [
    ['image/png;,text/html', PAGE],
    ['image/,text/html', PAGE],
    ['image/png; a=b, image/svg+xml', PICTURE],
  ]) {
    const answer = await (await fetch(`${dev.sign}?route=open`)).json()
    const fields = {
      success_action_status: '200',
      policy: answer.policy,
      'x-oss-signature': answer.signature,
      'x-oss-signature-version': answer.x_oss_signature_version,
      'x-oss-credential': answer.x_oss_credential,
      'x-oss-date': answer.x_oss_date,
      key: `${answer.dir}a.png`,
      'x-oss-security-token': answer.security_token,
    }
    const address = await post(fields, content, partType)
    assert.deepEqual(await open(address), { type: partType, saved: false, ran: true }, partType)
  }
})
