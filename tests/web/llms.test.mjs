/**
 * The code of `llms.txt`, as an assistant would copy it: both blocks in a page of another origin, and the one without
 * the client in Node too.
 */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { openBrowser, ROOT, serve, startDev, witness } from './support.mjs'

const PAGE = '<!doctype html><html lang="en"><head><title>another site</title><link rel="icon" href="data:,"></head><body></body></html>'

let browser, site, dev, blocks

before(async () => {
  const text = await readFile(new URL('src/http/web/llms.txt', `file://${ROOT}`), 'utf8')
  assert.ok(gzipSync(text, { level: 9 }).length <= 2100, 'the page has grown')
  site = await serve((request, response) => {
    const code = blocks[Number(request.url.slice(1)) - 1]
    response.writeHead(200, { 'content-type': code ? 'text/javascript' : 'text/html' }).end(code ?? PAGE)
  })
  dev = await startDev({ UPLOAD_ORIGINS: site.origin, UPLOAD_TYPES: 'text/plain,image/png' })
  const address = new URL(dev.page).origin
  blocks = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code.replaceAll('https://signer.example.com', address))
  assert.equal(blocks.length, 2)
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await site?.stop()
  await dev?.stop()
})

const stored = async (key) => (await fetch(`${dev.oss}/${key.split('/').map(encodeURIComponent).join('/')}`)).text()

for (const number of [1, 2]) {
  test(`block ${number} uploads from a page of another origin, and says why a file is refused`, async () => {
    const page = await browser.newPage()
    const { assertClean } = await witness(page)
    await page.goto(site.origin)
    const [saved, refused] = await page.evaluate(async (module) => {
      const { save } = await import(module)
      const file = (type) => new File(['来自助手'], '说明 书.txt', { type })
      return [await save(file('text/plain')), await save(file('video/mp4')).catch((error) => `${error.code} ${error.message}`)]
    }, `/${number}`)
    assert.equal(await stored(saved), '来自助手')
    assert.match(refused, /type_not_allowed/)
    assertClean()
    await page.close()
  })
}

test('the block without the client runs in Node too', async () => {
  const { save } = await import(`data:text/javascript,${encodeURIComponent(blocks[1])}`)
  const key = await save(new File(['from Node'], 'a.txt', { type: 'text/plain' }))
  assert.equal(await stored(key), 'from Node')
  await assert.rejects(save(new File([''], 'a.txt', { type: 'text/plain' })), /^Error: file_too_small: /)
})
