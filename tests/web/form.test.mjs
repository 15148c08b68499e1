/** The page that `oss-upload form` writes, opened from disk and posted by hand, without a script, to the local OSS. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { faintTexts, openBrowser, run, serve, startEmulate, witness } from './support.mjs'

let browser, cloud, folder, target
let count = 0

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oss-upload-form-'))
  cloud = await startEmulate()
  target = await serve((_, response) => response.end('<!doctype html><title>Thanks</title>'))
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await target?.stop()
  await rm(folder, { recursive: true, force: true })
  await cloud?.stop()
})

/** Writes a page with these options and opens it, with scripts switched off. */
async function visit(options, body, colorScheme = 'light') {
  const out = join(folder, `post-${(count += 1)}.html`)
  await run('form', '--bucket', 'dev-bucket', '--region', 'cn-hangzhou', '--upload-host', cloud.oss, '--dir', 'in/', '--out', out, ...options)
  const context = await browser.newContext({ javaScriptEnabled: false, colorScheme, viewport: { width: 320, height: 640 } })
  try {
    const page = await context.newPage()
    const { assertClean } = await witness(page)
    const open = () => page.goto(pathToFileURL(out).href)
    await open()
    await body({ page, open, assertClean })
  } finally {
    await context.close()
  }
}

async function post(page, name, content, mimeType = 'image/png') {
  await page.getByLabel(/^File/).setInputFiles({ name, mimeType, buffer: Buffer.from(content) })
  const answer = page.waitForResponse((response) => response.request().method() === 'POST')
  await page.getByRole('button', { name: /^Upload/ }).click()
  await (await answer).finished()
  await page.waitForLoadState()
  return answer
}

async function stored(key) {
  const answer = await fetch(`${cloud.oss}/${key.split('/').map(encodeURIComponent).join('/')}`)
  assert.equal(answer.status, 200, key)
  return Buffer.from(await answer.arrayBuffer())
}

test('a file arrives byte for byte under its own name, and the browser shows what was stored', () =>
  visit([], async ({ page, assertClean }) => {
    const content = randomBytes(300_000)
    assertClean()
    const answer = await post(page, '照片 1.png', content)
    assert.equal(answer.status(), 201)
    assert.deepEqual(await stored('in/照片 1.png'), content)
  }))

test('with a fixed key, a type and a redirect the browser ends up where it was sent', () =>
  visit(['--key', 'in/one.png', '--type', 'image/png', '--success-action-redirect', `${target.origin}/thanks?a=1&b=2`], async ({ page }) => {
    await post(page, 'any.png', 'fixed')
    await page.waitForURL(`${target.origin}/thanks?a=1&b=2`)
    assert.equal((await stored('in/one.png')).toString(), 'fixed')
  }))

test('what the policy does not allow is refused', async () => {
  await visit(['--type', 'image/*', '--max-size', '10B'], async ({ page, open }) => {
    assert.equal((await post(page, 'a.txt', 'text', 'text/plain')).status(), 403)
    await open()
    assert.equal((await post(page, 'a.png', 'more than ten bytes')).status(), 400)
  })
  const once = ['--key', 'in/once.png', '--forbid-overwrite', '--success-action-status', '200']
  await visit(once, async ({ page, open }) => {
    assert.equal((await post(page, 'a.png', 'first')).status(), 200)
    await open()
    assert.equal((await post(page, 'a.png', 'second')).status(), 409)
  })
})

test('a form of V1 is taken too', () =>
  visit(['--v1', '--expires', '365d'], async ({ page }) => {
    assert.equal((await post(page, 'v1.png', 'old')).status(), 201)
    assert.equal((await stored('in/v1.png')).toString(), 'old')
  }))

for (const colorScheme of ['light', 'dark']) {
  test(`${colorScheme} is legible, fits a narrow screen, and tells in two languages what is taken`, () =>
    visit(['--max-size', '5MiB', '--type', 'image/*'], async ({ page, assertClean }) => {
      const hint = await page.getByLabel(/^File/).evaluate((input) => document.getElementById(input.getAttribute('aria-describedby')).textContent)
      assert.match(hint, /at most 5 MiB\. Types: image\/\*\. This form works until 20/)
      assert.match(hint, /不超过 5 MiB。类型：image\/\*。/)
      assert.deepEqual(await faintTexts(page), [])
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320)
      assertClean()
    }, colorScheme))
}
