/**
 * Other people's clients with large files in parts, each with its real npm package as the recipes in `clients/` set it up:
 * Uppy 3 to 6 with Golden Retriever, which goes on after a reload, and ali-oss with session keys.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { startWorld, version } from './clients.mjs'
import { openBrowser } from './support.mjs'

const MIB = 1024 * 1024
const LARGE = randomBytes(22 * MIB)

let browser, world, large

before(async () => {
  world = await startWorld('multipart = { enabled = true, threshold = "10MiB", part_size = "5MiB" }\nsts = { enabled = true }\n', ['--role', 'uploader'])
  large = await world.onDisk('大 1.png', LARGE)
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await world?.stop()
})

for (const [packages, recipe] of [['uppy-3', 'uppy-3-large.html'], ['uppy-4', 'uppy-5-large.html'], ['uppy-5', 'uppy-5-large.html'], ['uppy-6', 'uppy-6-large.html']]) {
  test(`Uppy ${await version('@uppy/aws-s3', packages)} sends a large file in parts, and goes on after a reload`, async () => {
    const page = await (await browser.newContext()).newPage()
    const lines = []
    page.on('console', (message) => lines.push(message.text()))
    let held = true
    await page.route((url) => Number(url.searchParams.get('partNumber')) > 2, (route) => (held ? undefined : route.continue()))
    await page.goto(`${world.origin}/${recipe}?${packages}`)
    await page.locator('input').setInputFiles(large)
    await until(async () => (await partsOf(page)).length === 2, () => lines.join('\n'))
    await page.waitForTimeout(1500) // Golden Retriever writes what it knows at most twice in a second.
    held = false
    await page.reload()
    await until(() => lines.some((line) => /^(stored|failed) /.test(line)), () => lines.join('\n'))
    const line = lines.find((one) => /^(stored|failed) /.test(one))
    const [, key] = line.match(/^stored .*?(photos\/.*)$/) ?? []
    assert.ok(key, line)
    assert.ok((await world.stored(decodeURIComponent(key))).equals(LARGE))
    assert.deepEqual((await partsOf(page)).toSorted(), [3, 4, 5], 'other parts were sent after the reload')
    await page.context().close()
  })
}

test(`ali-oss ${await version('ali-oss')} sends a large file in parts and a small one whole, with session keys`, async () => {
  const page = await (await browser.newContext()).newPage()
  const lines = []
  page.on('console', (message) => lines.push(message.text()))
  await page.goto(`${world.origin}/ali-oss.html`)
  const small = await world.onDisk('小.png', 'small')
  for (const [path, bytes] of [[large, LARGE], [small, Buffer.from('small')]]) {
    lines.length = 0
    await page.locator('input').setInputFiles(path)
    await until(() => lines.some((line) => /^(stored|failed) /.test(line)), () => lines.join('\n'))
    const [, key] = lines.join('\n').match(/^stored (photos\/.*)$/m) ?? []
    assert.ok(key, lines.join('\n'))
    assert.ok((await world.stored(key)).equals(bytes))
  }
  assert.equal(new Set(await partsOf(page)).size, 5)
  await page.context().close()
})

/** The numbers of the parts that this page has sent, and that were answered. */
function partsOf(page) {
  return page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => Number(new URL(name).searchParams.get('partNumber'))).filter(Boolean))
}

async function until(condition, what) {
  const end = Date.now() + 40_000
  while (!(await condition())) {
    assert.ok(Date.now() < end, what())
    await new Promise((done) => setTimeout(done, 20))
  }
}
