/**
 * The page that the README shows, in both languages: read from the document, served from another port of this
 * machine as its reader would, and used in Chromium.
 */

import assert from 'node:assert/strict'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ROOT, openBrowser, serve, startDev, witness } from './support.mjs'

const ADDRESS = 'http://127.0.0.1:8080'

let browser, dev

before(async () => {
  dev = await startDev()
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await dev?.stop()
})

/** Returns the page of a document, with the address of this test's function. */
async function pageOf(document) {
  const text = await readFile(join(ROOT, document), 'utf8')
  const [, html] = text.match(/\n```html\n(.*?)```\n/s)
  assert.ok(html.includes(`${ADDRESS}/client.js`), `${document} names another address`)
  return html.replaceAll(ADDRESS, new URL(dev.sign).origin)
}

for (const document of ['README.md', 'README.zh-CN.md']) {
  test(`the page of ${document} stores a file`, async () => {
    const html = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">${await pageOf(document)}`
    const site = await serve((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(html))
    const page = await browser.newPage()
    const { assertClean } = await witness(page)
    await page.goto(site.origin)
    const line = page.waitForEvent('console', { predicate: (message) => message.text().startsWith('stored as ') })
    const content = Buffer.from(`the page of ${document}`)
    await page.setInputFiles('#file', { name: '照片 1.txt', mimeType: 'text/plain', buffer: content })
    const key = (await line).text().slice('stored as '.length)
    const [bucket] = (await readdir(dev.data)).filter((name) => !name.startsWith('.'))
    assert.deepEqual(await readFile(join(dev.data, bucket, key)), content)
    assertClean()
    await page.close()
    await site.stop()
  })
}
