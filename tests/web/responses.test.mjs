/**
 * OSS answers a stored file with 200 and an empty body. Clients that expect JSON report an error then, although the file
 * is stored: with the setting that `docs/compatibility.md` names they do not.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { bundle, startWorld } from './clients.mjs'
import { bodyOf, openBrowser, serve, witness } from './support.mjs'

/** Each has `start(grant, setting, end)`, which prepares the client for one form; the test then chooses the file. */
const CLIENTS = {
  '@uppy/xhr-upload': {
    packages: 'uppy-6',
    setting: { getResponseData: () => ({}) },
    script: `
      import Uppy from '@uppy/core'
      import XHRUpload from '@uppy/xhr-upload'
      window.start = ({ url, fields }, setting, end) => {
        const uppy = new Uppy({ autoProceed: true, meta: fields, logger: { debug() {}, warn() {}, error() {} } })
        uppy.use(XHRUpload, { endpoint: url, allowedMetaFields: Object.keys(fields), ...setting })
        uppy.on('upload-success', () => end('stored'))
        uppy.on('upload-error', () => end('failed'))
        document.querySelector('input').onchange = ({ target: { files: [data] } }) => uppy.addFile({ name: data.name, type: data.type, data })
      }`,
  },
  layui: {
    input: '.layui-upload-file',
    setting: { dataType: 'text' },
    script: `
      import 'layui'
      window.start = ({ url, fields }, setting, end) => layui.use('upload', () => {
        layui.upload.render({ elem: '#choose', url, data: fields, field: 'file', accept: 'file', done: () => end('stored'), error: () => end('failed'), ...setting })
      })`,
  },
  'blueimp-file-upload': {
    without: { dataType: 'json' },
    setting: { dataType: 'text' },
    script: `
      import $ from 'jquery'
      import 'blueimp-file-upload'
      window.start = ({ url, fields }, setting, end) => {
        const formData = Object.entries(fields).map(([name, value]) => ({ name, value }))
        $('input').fileupload({ url, formData, paramName: 'file', done: () => end('stored'), fail: () => end('failed'), ...setting })
      }`,
  },
}

/** It has no setting: it needs JSON with `success`, which only a callback can give. */
const FINE_UPLOADER = `
  import qq from 'fine-uploader/lib/core'
  window.start = ({ url, fields }, _, end) => {
    const request = { endpoint: url, inputName: 'file', params: fields, forceMultipart: true }
    const uploader = new qq.FineUploaderBasic({ request, cors: { expected: true }, callbacks: { onComplete: (id, name, { success }) => end(success ? 'stored' : 'failed') } })
    document.querySelector('input').onchange = ({ target }) => uploader.addFiles([...target.files])
  }`

const LIMIT_MS = 20_000
const FILE = { name: '照片 1.png', mimeType: 'image/png', buffer: Buffer.from('picture') }

let browser, world, backEnd, site
/** The script of the page that is served. */
let script

before(async () => {
  backEnd = await serve(async (request, response) => {
    await bodyOf(request)
    const text = '{"success":true}'
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length }).end(text)
  })
  world = await startWorld('', [], { routes: `[routes.reported]\ndir = "photos/{uuid}/"\ntypes = ["image/*"]\ncallback.to = "${backEnd.origin}"\n` })
  browser = await openBrowser()
  site = await serve((_, response) => {
    const text = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><button id="choose">Choose</button><input type="file"><script type="module">${script.replaceAll('</script', '<\\/script')}</script>`
    response.writeHead(200, { 'content-type': 'text/html' }).end(text)
  })
})

after(async () => {
  await browser?.close()
  await world?.stop()
  await Promise.all([site?.stop(), backEnd?.stop()])
})

/** Posts the file by a client with a setting, and gives what the client says; the file is stored in any case. */
async function outcome(setting, { input = 'input[type=file]', route = 'photos' } = {}) {
  const page = await browser.newPage()
  const { assertClean } = await witness(page)
  let end
  const ended = new Promise((resolve) => (end = resolve))
  await page.exposeFunction('end', end)
  await page.goto(site.origin)
  // Settings that are functions cannot be passed to a page.
  const text = Object.entries(setting).map(([name, value]) => `${JSON.stringify(name)}: ${typeof value === 'function' ? value : JSON.stringify(value)}`)
  const grant = await signed(route)
  await page.evaluate(`start(${JSON.stringify(grant)}, {${text}}, end)`)
  await page.locator(input).setInputFiles(FILE)
  const said = await Promise.race([ended, setTimeout(LIMIT_MS, 'nothing', { ref: false })])
  assert.deepEqual(await world.stored(grant.fields.key), FILE.buffer)
  assertClean({ forgiven: (line) => line.startsWith('console: [Fine Uploader') }) // It writes there that there is no JSON.
  await page.close()
  return said
}

async function signed(route) {
  const query = new URLSearchParams({ filename: FILE.name, type: FILE.mimeType, size: FILE.buffer.length })
  const answer = await fetch(`${world.page}presigned-post/${route}?${query}`)
  assert.equal(answer.status, 200)
  return answer.json()
}

for (const [name, { packages, script: text, input, without = {}, setting }] of Object.entries(CLIENTS)) {
  test(`${name} reports a stored file as failed, except with ${Object.keys(setting)}`, async () => {
    script = (await bundle(text, packages)).js
    assert.equal(await outcome(without, { input }), 'failed')
    assert.equal(await outcome(setting, { input }), 'stored')
  })
}

test('fine-uploader reports a stored file as failed, except with the JSON of a callback', async () => {
  script = (await bundle(FINE_UPLOADER)).js
  assert.equal(await outcome({}), 'failed')
  assert.equal(await outcome({}, { route: 'reported' }), 'stored')
})
