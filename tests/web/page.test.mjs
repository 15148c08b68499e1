/**
 * The upload page against the whole local cloud, as a person meets it: by mouse, by keyboard, by drag and drop,
 * in two languages, light and dark, on a wide screen and on a narrow one.
 */

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { faintTexts, openBrowser, ROOT, serve, startDev, witness } from './support.mjs'

const MIB = 1024 * 1024
const ASSETS = ['page.html', 'page.css', 'page.js', 'page-limits.js', 'page-queue.js', 'page-row.js', 'page-theme.js', 'page-view.js', 'page-words.js', 'client.js']
const LIMITS = { name: 'default', min_size: 1, max_size: 30 * MIB, types: [], extensions: [], max_files: 100, expires_in: 600, accept: '', metadata: [], auth: [], public_read: true }
const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

let browser, dev, folder

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'upload-page-'))
  dev = await startDev({ UPLOAD_MAX_SIZE: '30MiB' })
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await rm(folder, { recursive: true, force: true })
  await dev?.stop()
})

/**
 * Opens the page in a window of its own, and closes it again after the test's body. `limits` are what the function
 * says of the route, on top of what it says of the default one; `null` is a function that does not know the call.
 */
async function visit({ address = '', limits = {}, ...options }, body) {
  const context = await browser.newContext({ locale: 'en-US', ...options })
  try {
    const page = await context.newPage()
    const { assertClean } = await witness(page)
    await page.route('**/routes/*', (route) =>
      limits ? route.fulfill({ json: { ...LIMITS, ...limits } }) : route.fulfill({ status: 404, json: { error: 'not_found', message: 'Nothing here.' } }))
    const described = page.waitForResponse('**/routes/*')
    await page.goto(dev.page + address)
    await page.locator('#page').waitFor()
    await (await described).finished()
    await body({ page, context, assertClean })
  } finally {
    await context.close()
  }
}

/** Slows the uploads of a page down, so that there is something to watch and to cancel. */
async function slowDown(page, bytesPerSecond) {
  const wire = await page.context().newCDPSession(page)
  await wire.send('Network.enable')
  const set = (uploadThroughput) => wire.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput })
  await set(bytesPerSecond)
  return { restore: () => set(-1) }
}

/** Lets a page wait a hundredth of what it would: before another try, above all. */
function hurry(page) {
  return page.evaluate(() => {
    const later = window.setTimeout
    window.setTimeout = (done, wait) => later(done, wait / 100)
  })
}

/** Counts the calls for grants. */
function countCalls(page) {
  const calls = []
  page.on('request', (request) => request.url().endsWith('/uploads') && calls.push(request.headers()))
  return calls
}

function file(name, content = PIXEL, mimeType = 'image/png') {
  return { name, mimeType, buffer: Buffer.from(content) }
}

/** Makes a file on disk; a size alone makes a sparse one. */
async function onDisk(name, content) {
  const path = join(folder, name)
  if (typeof content !== 'number') {
    await writeFile(path, content)
    return path
  }
  const handle = await open(path, 'w')
  await handle.truncate(content)
  await handle.close()
  return path
}

function choose(page, files) {
  return page.setInputFiles('#files', files)
}

function rowOf(page, name) {
  return page.locator('.row').filter({ has: page.getByText(name, { exact: true }) })
}

function inState(page, name, state) {
  return page.locator(`.row[data-state=${state}]`).filter({ has: page.getByText(name, { exact: true }) }).waitFor()
}

async function keyOf(page, name) {
  return rowOf(page, name).locator('.stored code').textContent()
}

async function stored(key) {
  const answer = await fetch(`${dev.oss}/${key.split('/').map(encodeURIComponent).join('/')}`)
  assert.equal(answer.status, 200, key)
  return Buffer.from(await answer.arrayBuffer())
}

function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

test('a large file and one with a Chinese name arrive byte for byte, with progress on the way', () =>
  visit({}, async ({ page, assertClean }) => {
    const large = randomBytes(20 * MIB)
    const paths = [await onDisk('照片.png', PIXEL), await onDisk('large.bin', large)]
    const { restore } = await slowDown(page, 16 * MIB)
    await page.evaluate(() => {
      window.values = []
      const note = ([{ target }]) => target.closest('.row').textContent.includes('large.bin') && window.values.push(target.value)
      new MutationObserver(note).observe(document.getElementById('rows'), { subtree: true, attributeFilter: ['value'] })
    })
    await choose(page, paths)
    await inState(page, '照片.png', 'done')
    await inState(page, 'large.bin', 'done')
    await restore()

    const values = await page.evaluate(() => window.values)
    assert.ok(values.some((value) => value > 0 && value < 1), `progress between the ends: ${values}`)
    assert.deepEqual(values, values.toSorted((one, two) => one - two))
    assert.match(await keyOf(page, '照片.png'), /照片\.png$/)
    assert.equal(digest(await stored(await keyOf(page, '照片.png'))), digest(PIXEL))
    assert.equal(digest(await stored(await keyOf(page, 'large.bin'))), digest(large))
    assert.equal(await page.locator('#tally').textContent(), '2 of 2 uploaded')
    assertClean()
  }))

for (const [who, limits] of [['page', {}], ['function', null]]) {
  test(`a file that is too large is refused in words by the ${who}, with the limit, and the code beside it`, () =>
    visit({ limits }, async ({ page, assertClean }) => {
      const calls = countCalls(page)
      await choose(page, [await onDisk('film.mp4', 31 * MIB)])
      await inState(page, 'film.mp4', 'failed')
      assert.equal(calls.length, who === 'page' ? 0 : 1)
      const row = rowOf(page, 'film.mp4')
      assert.equal(await row.locator('.words').textContent(), 'Too large: at most 30 MiB is allowed.')
      assert.equal(await row.locator('.code').textContent(), 'file_too_large')
      await row.locator('summary').click()
      assert.ok(await row.locator('.technical').isVisible())
      assert.equal(await row.getByRole('button', { name: 'Retry' }).count(), 0)
      await page.getByRole('status').getByText('film.mp4: Too large').waitFor()
      assertClean({ allowFailedLoads: who === 'function' })
    }))

  test(`an empty file is refused in words by the ${who}`, () =>
    visit({ limits }, async ({ page }) => {
      await choose(page, [file('empty.txt', '', 'text/plain')])
      await inState(page, 'empty.txt', 'failed')
      assert.equal(await rowOf(page, 'empty.txt').locator('.words').textContent(), 'The file is empty.')
    }))
}

const AVATAR = { name: 'avatar', max_size: 2 * MIB, types: ['image/png', 'image/*', 'application/pdf'], max_files: 3, accept: 'image/png,image/*,application/pdf' }

for (const [locale, limits, sentence] of [
  ['en', {}, 'Files of any type · up to 30 MiB'],
  ['en', AVATAR, 'PNG, images, or PDF · up to 2 MiB · 3 at a time'],
  ['en', { min_size: 1024, extensions: ['csv', 'tsv'], types: ['text/csv'], max_files: 1 }, 'CSV or TSV · 1 KiB to 30 MiB · one at a time'],
  ['en', { types: ['image/svg+xml', 'application/vnd.ms-excel'] }, 'SVG or application/vnd.ms-excel · up to 30 MiB'],
  ['zh', {}, '任意类型 · 每个不超过 30 MiB'],
  ['zh', AVATAR, 'PNG、图片或PDF · 每个不超过 2 MiB · 一次最多 3 个'],
  ['en', null, ''],
]) {
  test(`what is accepted is shown before anything is chosen: ${sentence || 'not at all by a function that does not say'}`, () =>
    visit({ locale, limits, address: '?route=avatar' }, async ({ page, assertClean }) => {
      await page.waitForFunction((sentence) => document.getElementById('limits').textContent.replaceAll('\u00a0', ' ') === sentence, sentence)
      const [accept, isMultiple] = await page.locator('#files').evaluate((input) => [input.accept, input.multiple])
      assert.deepEqual([accept, isMultiple], [limits?.accept ?? '', limits?.max_files !== 1])
      assertClean({ allowFailedLoads: !limits })
    }))
}

test('what the route does not take is refused before anything is asked, and the rest goes on its way', () =>
  visit({ limits: AVATAR }, async ({ page, assertClean }) => {
    await page.getByText('PNG, images').waitFor()
    const calls = countCalls(page)
    await choose(page, [file('one.png'), file('two.txt', 'x', 'text/plain'), file('three.pdf', 'x', 'application/pdf'), file('four.png')])
    await inState(page, 'one.png', 'done')
    await inState(page, 'three.pdf', 'done')
    assert.equal(await rowOf(page, 'two.txt').locator('.words').textContent(), 'This type is not allowed. Allowed: PNG, images, or PDF.')
    assert.equal(await rowOf(page, 'four.png').locator('.words').textContent(), 'Only 3 files are taken at a time.')
    assert.equal(calls.length, 2)
    await rowOf(page, 'four.png').getByRole('button', { name: 'Retry' }).click()
    await inState(page, 'four.png', 'done')
    assertClean()
  }))

test('an ending that the route does not take is refused before anything is asked', () =>
  visit({ limits: { extensions: ['csv', 'tsv'] } }, async ({ page, assertClean }) => {
    await page.getByText('CSV or TSV').waitFor()
    await choose(page, [file('A.CSV', 'x', 'text/csv'), file('b.txt', 'x', 'text/plain')])
    await inState(page, 'A.CSV', 'done')
    assert.equal(await rowOf(page, 'b.txt').locator('.words').textContent(), 'Names may only end in CSV or TSV here.')
    assertClean()
  }))

/** Says whether the page takes no file, whichever way it is given. */
async function isClosed(page) {
  await carry(page, 'dragover', 'dropped.txt')
  const hasHint = await page.getByText('Drop to upload').isVisible()
  await carry(page, 'drop', 'dropped.txt')
  await carry(page, 'paste', 'pasted.txt')
  const isDisabled = await page.locator('#choose').isDisabled()
  return isDisabled && !hasHint && (await page.locator('.row').count()) === 0
}

test('an address of a route that does not exist takes no file, and says what to do', () =>
  visit({ address: '?route=nobody', limits: null }, async ({ page }) => {
    await page.unroute('**/routes/*')
    await page.route('**/routes/nobody', (route) => route.fulfill({ status: 404, json: { error: 'route_not_found', message: 'There is no route "nobody".' } }))
    await page.reload()
    await page.getByText('This upload address does not exist. Check the link, or ask for the right one.').waitFor()
    assert.ok(await isClosed(page))
    assert.deepEqual(await faintTexts(page), [])
  }))

test('a route that needs a ticket takes no file until a link brings one', () =>
  visit({ limits: { auth: ['ticket'] } }, async ({ page, assertClean }) => {
    await page.getByText('Uploading needs a ticket here. Open this page with the link that you were given').waitFor()
    assert.ok(await isClosed(page))
    await page.evaluate(() => (location.hash = '#ticket=abc'))
    await page.locator('#choose:enabled').waitFor()
    assert.ok(await page.locator('#closed').isHidden())
    await choose(page, [file('one.png')])
    await inState(page, 'one.png', 'done')
    assertClean()
  }))

test('several refusals are announced as one sentence', () =>
  visit({}, async ({ page, assertClean }) => {
    await page.evaluate(() => {
      window.said = []
      const news = document.getElementById('news')
      new MutationObserver(() => window.said.push(news.textContent)).observe(news, { childList: true })
    })
    await choose(page, ['a.txt', 'b.txt', 'c.txt'].map((name) => file(name, '', 'text/plain')))
    await page.getByRole('status').getByText('3 files not uploaded. The list says why.').waitFor()
    await choose(page, [file('d.txt', '', 'text/plain')])
    await page.getByRole('status').getByText('d.txt: The file is empty.').waitFor()
    assert.equal(await page.evaluate(() => window.said.length), 2)
    assertClean()
  }))

const PROJECT = { metadata: [{ name: 'project', required: true, pattern: '[a-z]+-[0-9]+' }, { name: 'note', required: false }, { name: 'title', required: true }] }

test('metadata that the route needs is asked for, and goes with each file', () =>
  visit({ limits: PROJECT }, async ({ page, assertClean }) => {
    const sent = []
    await page.route('**/uploads', (route) => {
      sent.push(...route.request().postDataJSON().files.map(({ name, metadata }) => [name, metadata]))
      return route.continue({ postData: JSON.stringify({ files: route.request().postDataJSON().files.map(({ metadata, ...file }) => file) }) })
    })
    await page.getByLabel('project').waitFor()
    assert.equal(await page.getByLabel('note').count(), 0)
    await carry(page, 'drop', 'early.txt')
    await rowOf(page, 'early.txt').getByText('Waiting for the details above').waitFor()
    assert.equal(await page.evaluate(() => document.activeElement.name), 'project')
    await page.getByLabel('project').fill('Apollo')
    await page.getByLabel('title').fill('Moon')
    await page.getByLabel('title').press('Enter')
    assert.deepEqual(sent, [])
    await page.getByLabel('project').fill('apollo-11')
    await page.getByLabel('project').press('Enter')
    await inState(page, 'early.txt', 'done')
    await choose(page, [file('late.png')])
    await inState(page, 'late.png', 'done')
    const metadata = { project: 'apollo-11', title: 'Moon' }
    assert.deepEqual(sent, [['early.txt', metadata], ['late.png', metadata]])
    await page.evaluate(() => (location.hash = '#ticket=abc'))
    await page.waitForFunction(() => !location.hash)
    assert.equal(await page.getByLabel('title').inputValue(), 'Moon')
    assertClean()
  }))

test('large files show their progress as a whole, with rate and time left, in one unit', () =>
  visit({}, async ({ page }) => {
    const { restore } = await slowDown(page, 4 * MIB)
    await choose(page, [await onDisk('one.bin', randomBytes(6_000_000)), await onDisk('two.bin', randomBytes(12_000_000))])
    await page.getByRole('progressbar', { name: 'Progress of all files' }).waitFor()
    await page.waitForFunction(() => /^[\d.]+ of 18 MB · \d+% · [\d.]+ [KM]B\/s · \d+ s left$/.test(document.getElementById('overall-text').textContent))
    assert.match(await rowOf(page, 'two.bin').locator('.state').textContent(), /^[\d.]+ of 12 MB · \d+%$/)
    await restore()
    await inState(page, 'two.bin', 'done')
    await page.locator('#overall').waitFor({ state: 'hidden' })
  }))

test('a link is offered only where everybody may read what is stored', () =>
  visit({ limits: { public_read: false } }, async ({ page }) => {
    await choose(page, [file('one.png')])
    await inState(page, 'one.png', 'done')
    assert.deepEqual(await rowOf(page, 'one.png').locator('[data-do]:visible').allTextContents(), ['Hide'])
  }))

test('what is finished and what failed leave the list separately', () =>
  visit({}, async ({ page }) => {
    await choose(page, [file('one.png'), file('two.txt', '', 'text/plain'), file('three.png')])
    await inState(page, 'three.png', 'done')
    assert.equal(await page.locator('#tally').textContent(), '2 of 3 uploaded · 1 failed or cancelled')
    await page.getByRole('button', { name: 'Clear failed' }).click()
    assert.deepEqual(await page.locator('.row .name').allTextContents(), ['one.png', 'three.png'])
    assert.ok(await page.getByRole('button', { name: 'Clear failed' }).isHidden())
    await page.getByRole('button', { name: 'Clear finished' }).click()
    assert.equal(await page.locator('.row').count(), 0)
    assert.equal(await page.evaluate(() => document.activeElement.id), 'choose')
  }))

test('on a touch screen nothing is said of dropping, the zone is balanced, and the key is folded away', () =>
  visit({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true }, async ({ page, assertClean }) => {
    await page.getByText('Files of any type').waitFor()
    assert.ok(await page.locator('#hint').isHidden())
    const [above, below] = await page.evaluate(() => {
      const box = (selector) => document.querySelector(selector).getBoundingClientRect()
      return [box('#picker svg').top - box('#picker').top, box('#picker').bottom - box('#limits').bottom]
    })
    assert.ok(Math.abs(above - below) <= 4, `${above} px above, ${below} px below`)
    await choose(page, [file('one.png'), file('two.txt', '', 'text/plain')])
    await inState(page, 'one.png', 'done')
    await inState(page, 'two.txt', 'failed')
    for (const part of ['.stored code', '.code']) assert.equal(await page.locator(part).filter({ visible: true }).count(), 0, part)
    const heights = await page.locator('.actions > :visible').evaluateAll((all) => all.map((one) => one.getBoundingClientRect().height))
    assert.ok(heights.every((height) => height >= 44), `${heights}`)
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
    assertClean()
  }))

test('the ticket of a link goes to the function alone, and out of the address', () =>
  visit({ address: '?route=default#ticket=abc.def' }, async ({ page, assertClean }) => {
    assert.equal(page.url(), `${dev.page}?route=default`)
    const seen = []
    page.on('request', (request) => request.method() === 'POST' && seen.push([new URL(request.url()).pathname, request.headers().authorization]))
    await choose(page, [file('one.png')])
    await inState(page, 'one.png', 'done')
    await page.evaluate(() => (location.hash = '#ticket=new'))
    await page.waitForFunction(() => !location.hash)
    await choose(page, [file('two.png')])
    await inState(page, 'two.png', 'done')
    assert.deepEqual(seen, [['/uploads', 'Bearer abc.def'], ['/', undefined], ['/uploads', 'Bearer new'], ['/', undefined]])
    await page.reload()
    await choose(page, [file('three.png')])
    await inState(page, 'three.png', 'done')
    assert.deepEqual(seen.slice(4), [['/uploads', undefined], ['/', undefined]])
    assertClean()
  }))

/** A ticket whose payload is this; the page does not look at its signature. */
const ticketOf = (payload) => `v1.${Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)).toString('base64url')}.AAAA`

for (const [locale, says, unnamed] of [
  ['en-US', (name) => `This link uploads for ${name}. If that is not you, do not use it for files of your own.`, 'This link does not say for whom it uploads.'],
  ['zh-CN', (name) => `此链接以 ${name} 的身份上传。如果这不是您，请勿用它上传自己的文件。`, '此链接没有说明以谁的身份上传。'],
]) {
  test(`the page says for whom a link uploads (${locale})`, () =>
    visit({ locale, address: `#ticket=${ticketOf({ sub: 'mallory', exp: 1 })}` }, async ({ page, assertClean }) => {
      const holder = page.locator('#holder')
      assert.equal(await holder.textContent(), says('mallory'))
      assert.ok(await holder.isVisible())
      assert.match(await page.locator('#choose').getAttribute('aria-describedby'), /\bholder\b/)
      const follow = async (ticket) => {
        await page.evaluate((ticket) => (location.hash = `#ticket=${encodeURIComponent(ticket)}`), ticket)
        await page.waitForFunction(() => !location.hash)
        return holder.textContent()
      }
      for (const [payload, shown] of [
        [{ sub: '李雷 🙂' }, '李雷 🙂'],
        [{ sub: '<img src=x onerror="window.hacked=1">' }, '<img src=x onerror="window.hacked=1">'],
        [{ sub: '<script>window.hacked=1</script>' }, '<script>window.hacked=1</script>'],
        [{ sub: '&lt;b&gt;' }, '&lt;b&gt;'],
        [{ sub: 'you\u202e\u2066\u200b\u0000\n\u061c\u00ad\u3164\u{e0041}!' }, `you${'\ufffd'.repeat(9)}!`],
        [{ sub: '\ud800' }, '\ufffd'],
        [{ sub: 'a'.repeat(5000) }, `${'a'.repeat(100)}…`],
        [{ sub: '🙂'.repeat(101) }, `${'🙂'.repeat(100)}…`],
        [{ sub: '__proto__' }, '__proto__'],
      ]) {
        assert.equal(await follow(ticketOf(payload)), says(shown), JSON.stringify(payload))
        assert.equal(await holder.locator('bdi').textContent(), shown)
        assert.equal(await holder.locator('bdi *').count(), 0)
      }
      for (const odd of ['abc', 'v1..', 'v1.%.x', ticketOf({}), ticketOf({ sub: '' }), ticketOf({ sub: 7 }), ticketOf({ sub: { toString: 1 } }), ticketOf('null'), ticketOf('"x"'), ticketOf('{"sub":"x"'), `v1.${Buffer.from([0xff]).toString('base64url')}.x`, 'a.b.c']) {
        assert.equal(await follow(odd), unnamed, odd)
      }
      const jwt = ['{"alg":"HS256"}', '{"sub":"alice"}', 'x'].map((part) => Buffer.from(part).toString('base64url')).join('.')
      assert.equal(await follow(jwt), says('alice'))
      assert.equal(await page.evaluate(() => window.hacked), undefined)
      assert.deepEqual(await faintTexts(page), [])
      assertClean()
    }))
}

test('a page without a ticket names nobody', () =>
  visit({}, async ({ page }) => {
    assert.ok(await page.locator('#holder').isHidden())
    assert.equal(await page.locator('#holder').textContent(), '')
  }))

test('a function that asks who it is is understood: a ticket is missing, or was not accepted', () =>
  visit({}, async ({ page }) => {
    await page.route('**/uploads', (route) => route.fulfill({ status: 401, json: { error: 'token_missing', message: 'Send a token.' } }))
    await choose(page, [file('one.png')])
    await inState(page, 'one.png', 'failed')
    assert.match(await rowOf(page, 'one.png').locator('.words').textContent(), /^Uploading needs a ticket here/)
    assert.equal(await rowOf(page, 'one.png').locator('.code').textContent(), 'token_missing')
    await page.evaluate(() => (location.hash = '#ticket=old'))
    await page.waitForFunction(() => !location.hash)
    await page.getByRole('button', { name: 'Retry: one.png' }).click()
    await page.getByText('The ticket in your link was not accepted').first().waitFor()
  }))

test('an upload is cancelled, retried, and arrives', () =>
  visit({}, async ({ page, assertClean }) => {
    const content = randomBytes(8 * MIB)
    const { restore } = await slowDown(page, MIB)
    await choose(page, [await onDisk('slow.bin', content)])
    await page.locator('progress:visible').waitFor()
    await page.getByRole('button', { name: 'Cancel: slow.bin' }).click()
    await inState(page, 'slow.bin', 'cancelled')
    await restore()
    await page.getByRole('button', { name: 'Retry: slow.bin' }).click()
    await inState(page, 'slow.bin', 'done')
    assert.equal(digest(await stored(await keyOf(page, 'slow.bin'))), digest(content))
    assertClean({ allowFailedLoads: true })
  }))

test('a lost connection is explained in words, and all that failed is retried at once', () =>
  visit({}, async ({ page, assertClean }) => {
    await hurry(page)
    await page.route(`${dev.oss}/**`, (route) => route.abort('connectionreset'))
    await choose(page, [file('one.png'), file('two.png')])
    await inState(page, 'one.png', 'failed')
    await inState(page, 'two.png', 'failed')
    assert.match(await rowOf(page, 'one.png').locator('.words').textContent(), /No answer.*CORS/)
    assert.equal(await rowOf(page, 'one.png').locator('.code').textContent(), 'network')
    await page.unroute(`${dev.oss}/**`)
    await page.getByRole('button', { name: 'Retry all' }).click()
    await inState(page, 'one.png', 'done')
    await inState(page, 'two.png', 'done')
    assertClean({ allowFailedLoads: true })
  }))

test('a device that is offline says so, and goes on by itself when it is not any more', () =>
  visit({}, async ({ page, context }) => {
    await hurry(page)
    await context.setOffline(true)
    await choose(page, [file('one.png')])
    await inState(page, 'one.png', 'failed')
    assert.match(await rowOf(page, 'one.png').locator('.words').textContent(), /^This device is offline\./)
    await context.setOffline(false)
    await inState(page, 'one.png', 'done')
  }))

test('a bucket that is busy is tried again, and the page says so meanwhile', () =>
  visit({}, async ({ page }) => {
    await page.route(`${dev.oss}/**`, (route) => route.fulfill({ status: 503, headers: { 'access-control-allow-origin': '*' }, body: '<Error><Code>ServiceUnavailable</Code></Error>' }), { times: 1 })
    await choose(page, [file('one.png')])
    await rowOf(page, 'one.png').getByText('Interrupted, trying again').waitFor()
    await inState(page, 'one.png', 'done')
  }))

test('a refusal of OSS is explained in words', () =>
  visit({}, async ({ page }) => {
    // Spoil the signature on its way to the page; what OSS says to that is its own.
    await page.route('**/uploads', async (route) => {
      const answer = await route.fetch()
      const body = await answer.json()
      for (const { fields } of body.uploads) if (fields) fields['x-oss-signature'] = '0'.repeat(64)
      await route.fulfill({ response: answer, json: body })
    })
    let fetched = 0
    page.on('request', (request) => (fetched += request.url().endsWith('/oss-errors.json') ? 1 : 0))
    await choose(page, [file('two.png', '')])
    await inState(page, 'two.png', 'failed')
    assert.equal(fetched, 0, 'a refusal of the signer needs no table of OSS')
    await choose(page, [file('one.png')])
    await inState(page, 'one.png', 'failed')
    const row = rowOf(page, 'one.png')
    assert.equal(await row.locator('.code').textContent(), 'SignatureDoesNotMatch')
    assert.match(await row.locator('.words').textContent(), /did not accept the permit/)
    assert.ok(await row.getByRole('button', { name: 'Retry' }).isVisible())
    await row.locator('summary').click()
    await row.getByText('Sign the very base64 text that is sent').waitFor()
    assert.equal(fetched, 1)
  }))

test('what causes a refusal of OSS and what helps stands beside its code in Chinese too, and may be missing', () =>
  visit({ locale: 'zh-CN' }, async ({ page }) => {
    await page.route(`${dev.oss}/**`, (route) =>
      route.fulfill({ status: 403, headers: { 'access-control-allow-origin': '*' }, body: '<Error><Code>AccessDenied</Code><EC>0006-00000213</EC></Error>' }))
    await page.route('**/oss-errors.json', (route) => route.abort(), { times: 1 })
    await choose(page, [file('one.png')])
    await inState(page, 'one.png', 'failed')
    await rowOf(page, 'one.png').locator('summary').click()
    await choose(page, [file('two.png')])
    await inState(page, 'two.png', 'failed')
    await rowOf(page, 'two.png').locator('summary').click()
    await rowOf(page, 'two.png').getByText('policy 已过期。在上传前重新获取签名').waitFor()
    assert.equal(await rowOf(page, 'one.png').locator('.advice').isVisible(), false)
  }))

test('six files travel at a time, and the others are signed only when their turn comes', () =>
  visit({}, async ({ page }) => {
    const calls = countCalls(page)
    const { restore } = await slowDown(page, MIB)
    await choose(page, await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((number) => onDisk(`${number}.bin`, randomBytes(2 * MIB)))))
    await page.locator('.row[data-state=sending] .state', { hasText: '%' }).nth(5).waitFor()
    assert.equal(await page.locator('.row[data-state=sending]').count(), 6)
    assert.equal(await page.locator('.row[data-state=waiting]').count(), 2)
    assert.equal(calls.length, 6)
    await page.getByRole('button', { name: 'Cancel: 8.bin' }).click()
    await restore()
    await inState(page, '7.bin', 'done')
    assert.equal(calls.length, 7)
  }))

test('the keyboard alone is enough', () =>
  visit({}, async ({ page, context, assertClean }) => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent)
    await page.keyboard.press('Tab')
    assert.equal(await focused(), 'Choose files')
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none')

    const chooser = page.waitForEvent('filechooser') // Early: the browser needs a moment to begin listening.
    const { restore } = await slowDown(page, MIB)
    await page.keyboard.press('Enter')
    await (await chooser).setFiles([await onDisk('typed.bin', randomBytes(4 * MIB))])
    await page.locator('progress:visible').waitFor()
    await page.keyboard.press('Tab')
    assert.equal(await focused(), 'Cancel: typed.bin')
    await page.keyboard.press('Enter')
    await inState(page, 'typed.bin', 'cancelled')
    assert.equal(await focused(), 'Retry: typed.bin', 'focus stays in the row')

    await restore()
    await page.keyboard.press('Space')
    await inState(page, 'typed.bin', 'done')
    assert.equal(await focused(), 'Copy link: typed.bin')
    await page.keyboard.press('Enter')
    await page.getByText('Copied').first().waitFor()
    const link = await page.evaluate(() => navigator.clipboard.readText())
    assert.equal(decodeURIComponent(link), `${dev.oss}/${await keyOf(page, 'typed.bin')}`)
    await page.keyboard.press('Tab')
    assert.equal(await focused(), 'Open: typed.bin')
    await page.keyboard.press('Tab')
    assert.equal(await focused(), 'Hide: typed.bin')
    await page.keyboard.press('Enter')
    assert.equal(await focused(), 'Choose files', 'focus is not lost with the last row')
    assertClean({ allowFailedLoads: true })
  }))

/** Lets a drag or a paste that carries one file happen in the window. */
function carry(page, type, name) {
  return page.evaluate(
    ({ type, name }) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File(['carried'], name, { type: 'text/plain' }))
      const event = type === 'paste'
        ? new ClipboardEvent(type, { clipboardData: transfer, bubbles: true })
        : new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true })
      document.body.dispatchEvent(event)
    },
    { type, name },
  )
}

test('files are taken by drag and drop anywhere, under a visible hint, and by paste', () =>
  visit({}, async ({ page, assertClean }) => {
    const hint = page.getByText('Drop to upload')
    assert.ok(!(await hint.isVisible()))
    await carry(page, 'dragover', 'dropped.txt')
    assert.ok(await hint.isVisible())
    await carry(page, 'dragleave', 'dropped.txt')
    assert.ok(!(await hint.isVisible()))
    await carry(page, 'dragover', 'dropped.txt')
    await carry(page, 'drop', 'dropped.txt')
    assert.ok(!(await hint.isVisible()))
    await carry(page, 'paste', 'pasted.txt')
    await inState(page, 'dropped.txt', 'done')
    await inState(page, 'pasted.txt', 'done')
    assert.equal((await stored(await keyOf(page, 'pasted.txt'))).toString(), 'carried')
    assertClean()
  }))

test('the link of a stored file leads to it', () =>
  visit({}, async ({ page }) => {
    await choose(page, [file('100% 照片 #1?.png')])
    await inState(page, '100% 照片 #1?.png', 'done')
    const address = await page.getByRole('link', { name: /^Open/ }).getAttribute('href')
    const answer = await fetch(address)
    assert.equal(digest(Buffer.from(await answer.arrayBuffer())), digest(PIXEL))
  }))

for (const [how, can, said] of [['the old way', true, 'Copied'], ['by hand', false, 'The link is selected. Copy it with the keyboard.']]) {
  test(`without a clipboard a link is copied ${how}`, () =>
    visit({}, async ({ page }) => {
      await page.evaluate((can) => {
        Object.defineProperty(navigator, 'clipboard', { value: undefined })
        document.execCommand = () => can && (window.copied = String(getSelection()))
      }, can)
      await choose(page, [file('one.png')])
      await inState(page, 'one.png', 'done')
      const link = await page.getByRole('link', { name: /^Open/ }).getAttribute('href')
      await page.getByRole('button', { name: /^Copy link/ }).click()
      await page.getByRole('status').getByText(said).waitFor()
      assert.equal(await page.evaluate(() => window.copied || String(getSelection())), link)
      assert.equal(await keyOf(page, 'one.png') === link, !can)
    }))
}

test('a name is text and never markup', () =>
  visit({}, async ({ page, assertClean }) => {
    const name = `<img src=x onerror=document.title='taken'>"'&.txt`
    await choose(page, [file(name, 'x', 'text/plain')])
    await page.locator('.row[data-state=done], .row[data-state=failed]').waitFor()
    assert.equal(await page.locator('.row .name').textContent(), name)
    assert.equal(await page.locator('.row img').count(), 0)
    assert.equal(await page.title(), 'Upload files')
    assertClean({ allowFailedLoads: true })
  }))

test('leaving asks first while something is under way, and not afterwards', () =>
  visit({}, async ({ page }) => {
    const asked = []
    page.on('dialog', (dialog) => {
      asked.push(dialog.type())
      dialog.dismiss()
    })
    const chooser = page.waitForEvent('filechooser')
    const { restore } = await slowDown(page, MIB)
    await page.getByRole('button', { name: 'Choose files' }).click()
    await (await chooser).setFiles([await onDisk('leaving.bin', randomBytes(3 * MIB))])
    await page.locator('progress:visible').waitFor()
    const dialog = page.waitForEvent('dialog')
    await page.close({ runBeforeUnload: true })
    await dialog
    assert.deepEqual(asked, ['beforeunload'])
    await restore()
    await inState(page, 'leaving.bin', 'done')
    const closed = page.waitForEvent('close')
    await page.close({ runBeforeUnload: true })
    await closed
    assert.deepEqual(asked, ['beforeunload'])
  }))

for (const [locale, lang, title, failure] of [
  ['zh-CN', 'zh-CN', '上传文件', '文件太大，最多允许 30 MiB。'],
  ['en-GB', 'en', 'Upload files', 'Too large: at most 30 MiB is allowed.'],
  ['fr-FR', 'en', 'Upload files', 'Too large: at most 30 MiB is allowed.'],
]) {
  test(`a browser that prefers ${locale} reads ${lang}`, () =>
    visit({ locale }, async ({ page, assertClean }) => {
      assert.equal(await page.locator('html').getAttribute('lang'), lang)
      assert.equal(await page.title(), title)
      assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), title)
      await choose(page, [await onDisk('film.mp4', 31 * MIB)])
      await inState(page, 'film.mp4', 'failed')
      assert.equal(await page.locator('.words').textContent(), failure)
      assertClean()
    }))
}

test('both languages say the same things', async () => {
  const source = await readFile(`${ROOT}src/http/web/page-words.js`, 'utf8')
  const [, english, chinese] = source.match(/const TEXTS = \{\n  en: \{([^]*?)\n  \},\n  zh: \{([^]*?)\n  \},\n\}/)
  const names = (block) => [...block.matchAll(/^ +(\w+): /gm)].map(([, name]) => name)
  assert.ok(names(english).length > 40)
  assert.deepEqual(names(chinese), names(english))
})

/** The rules of WCAG 2.2 A and AA, and good practice, that axe-core finds broken. */
async function barriers(page) {
  await page.evaluate(await readFile(AXE, 'utf8'))
  return page.evaluate(async () => (await window.axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target)}`))
}

for (const [colorScheme, locale, width] of [['light', 'en', 320], ['light', 'en', 1100], ['dark', 'zh-CN', 360], ['dark', 'en', 1100]]) {
  test(`${colorScheme} in ${locale} at ${width} pixels is legible, fits and has no barrier`, () =>
    visit({ colorScheme, locale, limits: PROJECT, viewport: { width, height: 640 } }, async ({ page, assertClean }) => {
      await page.getByLabel('project').waitFor()
      assert.deepEqual(await barriers(page), [])
      await page.evaluate(() => document.getElementById('fields').replaceChildren())
      const { restore } = await slowDown(page, MIB)
      await choose(page, [file('照片.png'), file(`${'a-long-name-'.repeat(12)}.png`), file('empty.txt', '', 'text/plain')])
      await page.locator('.row[data-state=done]').nth(1).waitFor()
      await inState(page, 'empty.txt', 'failed')
      await choose(page, [await onDisk('large.bin', randomBytes(11_000_000))])
      await page.locator('#overall').waitFor()
      for (const state of ['done', 'failed']) await page.locator(`.row[data-state=${state}] summary`).last().click()
      const ground = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor.match(/\d+/g).map(Number))
      assert.equal(Math.max(...ground) < 128, colorScheme === 'dark', `ground ${ground}`)
      assert.deepEqual(await faintTexts(page), [])
      assert.deepEqual(await barriers(page), [])
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width)
      await carry(page, 'dragover', 'hint.txt')
      assert.deepEqual(await faintTexts(page), [])
      await restore()
      assertClean()
    }))
}

test('the settings name the page and colour it, and a route closes itself or offers links', async () => {
  const site = await serve((_, response) => response.writeHead(200, { 'content-type': 'image/svg+xml' }).end('<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"/>'))
  const config = await onDisk('upload.toml', '[routes.open.headers]\nx-oss-object-acl = "public-read"\n[routes.closed]\nauth = "ticket"\n')
  const settings = { UPLOAD_PAGE_TITLE: 'Acme <b>上传</b>', UPLOAD_PAGE_LOGO: `${site.origin}/logo.svg`, UPLOAD_PAGE_ACCENT: '#f6d32d', UPLOAD_TICKET_KEYS: randomBytes(32).toString('base64') }
  let own
  try {
    own = await startDev(settings, ['--config', config])
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ colorScheme, locale: 'en' })
      const { assertClean } = await witness(page)
      await page.goto(`${own.page}?route=open`)
      await page.getByText('Files of any type').waitFor()
      assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), settings.UPLOAD_PAGE_TITLE)
      assert.equal(await page.title(), settings.UPLOAD_PAGE_TITLE)
      assert.equal(await page.locator('#logo').evaluate((image) => image.decode().then(() => image.naturalWidth)), 90)
      await choose(page, [file('one.png')])
      await inState(page, 'one.png', 'done')
      assert.deepEqual(await rowOf(page, 'one.png').locator('[data-do]:visible').allTextContents(), ['Copy link', 'Open', 'Hide'])
      const accent = await page.evaluate(() => getComputedStyle(document.getElementById('choose')).backgroundColor)
      assert.equal(accent === 'rgb(246, 211, 45)', colorScheme === 'dark', accent) // Yellow is no colour for texts on white.
      assert.deepEqual(await faintTexts(page), [])
      assert.deepEqual(await barriers(page), [])
      await page.goto(`${own.page}?route=closed`)
      await page.getByText('Uploading needs a ticket here.').waitFor()
      assert.ok(await isClosed(page))
      assertClean()
      await page.close()
    }
  } finally {
    await own?.stop()
    await site.stop()
  }
})

test('nothing moves when the limits come, or when a file is done', () =>
  visit({ viewport: { width: 1100, height: 800 } }, async ({ page }) => {
    await page.unroute('**/routes/*')
    let describe
    const described = new Promise((resolve) => (describe = resolve))
    await page.route('**/routes/*', (route) => described.then(() => route.fulfill({ json: LIMITS })))
    await page.reload()
    const heightOf = (selector) => page.locator(selector).evaluate((element) => element.getBoundingClientRect().height)
    await page.locator('#picker').waitFor()
    const early = await heightOf('#picker')
    describe()
    await page.getByText('Files of any type').waitFor()
    assert.equal(await heightOf('#picker'), early)
    const { restore } = await slowDown(page, MIB)
    await choose(page, [await onDisk('a.b', randomBytes(2 * MIB))])
    await page.locator('progress:visible').waitFor()
    const sending = await heightOf('.row')
    await restore()
    await inState(page, 'a.b', 'done')
    assert.ok(Math.abs((await heightOf('.row')) - sending) < 1)
  }))

test('whoever asks for less motion gets none', () =>
  visit({ reducedMotion: 'reduce' }, async ({ page }) => {
    const moving = await page.evaluate(() => [...document.querySelectorAll('*')].filter((element) => parseFloat(getComputedStyle(element).transitionDuration) > 0).length)
    assert.equal(moving, 0)
  }))

test('every control has a name, and progress says of what', () =>
  visit({}, async ({ page }) => {
    await slowDown(page, MIB)
    await choose(page, [await onDisk('named.bin', randomBytes(4 * MIB))])
    await page.getByRole('progressbar', { name: 'Progress of named.bin' }).waitFor()
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll('button, a, summary')].filter((control) => control.checkVisibility() && !(control.ariaLabel ?? control.textContent).trim()).length)
    assert.equal(nameless, 0)
    assert.equal(await page.getByRole('status').getAttribute('aria-live'), 'polite')
  }))

test('nothing is remembered', () =>
  visit({ address: '#ticket=abc' }, async ({ page, context }) => {
    await choose(page, [file('one.png')])
    await inState(page, 'one.png', 'done')
    const kept = () => page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie, JSON.stringify(history.state)])
    assert.deepEqual(await kept(), [0, 0, '', 'null'])
    await page.reload()
    assert.equal(await page.locator('.row').count(), 0)
    assert.deepEqual(await kept(), [0, 0, '', 'null'])
    const { cookies, origins } = await context.storageState({ indexedDB: true })
    assert.deepEqual([cookies, origins], [[], []])
  }))

test('the page names nothing outside itself and weighs little', async () => {
  const [html, ...rest] = await Promise.all(ASSETS.map((name) => readFile(`${ROOT}src/http/web/${name}`, 'utf8')))
  const addresses = [...html.matchAll(/\b(?:href|src)="([^"]*)"/g)].map(([, address]) => address)
  const scripts = ['./client.js', './page-limits.js', './page-queue.js', './page-row.js', './page-theme.js', './page-view.js', './page-words.js']
  assert.deepEqual(addresses, ['data:,', './openapi.json', './page.css', './page.js', ...scripts])
  assert.doesNotMatch(html, /\son\w+=|\sstyle=|<style/)
  const weight = gzipSync([html, ...rest].join('')).length
  assert.ok(weight <= 23 * 1024, `${weight} bytes`)
})
