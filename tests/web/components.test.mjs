/**
 * Upload components of other people, each with its real npm package, as the recipes in `clients/` set them up: what a
 * user of each sees when all goes well, and when it does not.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { loseFirstAnswer, openRecipe, recipe as textOf, startWorld, version } from './clients.mjs'
import { openBrowser, serve } from './support.mjs'

/** The most lines of a recipe, without its imports. */
const MAX_LINES = 12
/** The pages that are open at a time. */
const AT_ONCE = 3
/** One pixel: some components draw what they are given. */
const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')

const picture = (name, extra = 3000) => ({ name, mimeType: 'image/png', buffer: Buffer.concat([PIXEL, randomBytes(extra)]) })
const NAMED = picture('照片 😀 (1).png')
const FORBIDDEN = { name: 'page.html', mimeType: 'text/html', buffer: Buffer.from('<script>alert(1)</script>') }
const EMPTY = { name: 'empty.png', mimeType: 'image/png', buffer: Buffer.alloc(0) }

/** What the signer says. */
const NOT_TAKEN = 'A file of type "text/html" is not taken; what is: image/*.'
const TOO_LARGE = `The file has ${31 * 2 ** 20} bytes; at most 30 MiB are taken. Choose a smaller one.`
const IS_EMPTY = 'The file has 0 bytes; at least 1 B are wanted. Choose another one.'
/** What `client.js` says of a 203. */
const NOT_REPORTED = 'Stored, but the upload callback failed. Error status : 500.'

const NETWORK = 'This looks like a network error, the endpoint might be blocked by an internet provider or a firewall.'

/**
 * The components. `cancel` is what a user clicks to stop an upload that runs. `unmended`: the component posts the form by
 * itself, so it reports a lost answer as this after so many `posts`, and a 203 as success; `retry` is what a user clicks then.
 */
const COMPONENTS = [
  { recipe: 'naive-ui', cancel: '.n-upload-file-info__action button' },
  { recipe: 'vant' },
  { recipe: 'tdesign-vue-next' },
  { recipe: 'arco-design', packageName: '@arco-design/web-vue', cancel: '.arco-upload-icon-cancel' },
  { recipe: 'ant-design-vue', cancel: '.ant-upload-list-item-action' },
  { recipe: 'element-ui', packages: 'element-ui', cancel: '.el-icon-close' },
  { recipe: 'wangeditor', packageName: '@wangeditor/editor', pick: chooseByMenu },
  { recipe: 'layui' },
  { recipe: 'uppy-dashboard', packageName: '@uppy/xhr-upload', packages: 'uppy-6', pick: addMore, cancel: '[data-cy=cancel]', unmended: NETWORK, posts: 4, retry: '.uppy-StatusBar-actionBtn--retry' },
  { recipe: 'react-dropzone', cancel: 'button', reported: true },
  { recipe: 'quasar', cancel: '[aria-label="Abort upload"]', unmended: 'No answer', posts: 1, retry: '.q-uploader__header a:has-text("cloud_upload")' },
]

let browser, world, backEnd, tooLarge

before(async () => {
  backEnd = await serve((_, response) => response.writeHead(500).end())
  const rules = 'dir = "photos/{uuid}/"\ntypes = ["image/*"]\n'
  const routes = `[routes.empty]\n${rules}min_size = 0\n[routes.reported]\n${rules}callback.to = "${backEnd.origin}/callback"\n`
  world = await startWorld('', [], { routes })
  tooLarge = await world.onDisk('too-large.png', 31 * 2 ** 20)
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await world?.stop()
  await backEnd?.stop()
})

/** The menu of the editor acts where the cursor is. */
async function chooseByMenu(page, files) {
  await page.locator('#editor [contenteditable]').click()
  await page.keyboard.press('Control+End')
  const dialogue = page.waitForEvent('filechooser')
  await page.locator('[data-menu-key=uploadImage]:not(.disabled)').click()
  await (await dialogue).setFiles(files)
}

/** With files in it, the Dashboard has its input behind a button. */
async function addMore(page, files) {
  const button = page.locator('.uppy-DashboardContent-addMore')
  if (await button.isVisible()) await button.click()
  await page.locator('input.uppy-Dashboard-input').first().setInputFiles(files)
}

function keyOf(line, name) {
  const [, key] = line.match(/^stored (photos\/[-0-9a-f]{36}\/(.*))$/) ?? assert.fail(line)
  assert.ok(key.endsWith(`/${name}`), key)
  return key
}

/** Has the recipe's page ask for another route than the one that it names, until the end of `body`. */
async function onRoute(page, route, body) {
  const address = `${world.page}uploads`
  await page.route(address, (asked) => asked.continue({ postData: asked.request().postData().replace('"photos"', `"${route}"`) }))
  await body()
  await page.unroute(address)
}

/** Asserts that a user reads these words. */
async function assertShown({ page, dialogues }, words) {
  if (dialogues.some((text) => text.includes(words))) return
  await page.getByText(words).first().waitFor()
}

/** Several files, one of which is refused: the others are stored. */
async function severalFiles(opened) {
  const second = picture('b.png')
  const lines = (await opened.choose([NAMED, FORBIDDEN, second])).toSorted()
  assert.equal(lines[0], `failed ${NOT_TAKEN}`)
  await assertShown(opened, NOT_TAKEN)
  const keys = lines.slice(1)
  for (const file of [NAMED, second]) {
    const line = keys.find((line) => line.endsWith(file.name)) ?? assert.fail(`${lines}`)
    assert.deepEqual(await world.stored(keyOf(line, file.name)), file.buffer)
  }
  assert.equal(opened.posted.length, 2)
}

async function refusedSizes(opened) {
  for (const [file, words] of [[tooLarge, TOO_LARGE], [EMPTY, IS_EMPTY]]) {
    const [line] = await opened.choose(file)
    assert.equal(line, `failed ${words}`)
    await assertShown(opened, words)
  }
  assert.equal(opened.posted.length, 2)
}

async function emptyFile(opened) {
  await onRoute(opened.page, 'empty', async () => {
    const [line] = await opened.choose(EMPTY)
    assert.deepEqual(await world.stored(keyOf(line, EMPTY.name)), EMPTY.buffer)
  })
}

async function failedCallback(opened, { unmended, reported }) {
  await onRoute(opened.page, 'reported', async () => {
    const [line] = await opened.choose(picture('c.png'))
    if (unmended || reported) assert.equal((await world.stored(keyOf(line, 'c.png'))).length, PIXEL.length + 3000)
    else assert.equal(line, `failed ${NOT_REPORTED}`)
    if (!unmended) await assertShown(opened, NOT_REPORTED)
  })
}

async function cancelled({ page, pick, posted }, { cancel }) {
  await page.route(`${world.oss}/**`, () => {}) // Waits until the page gives up.
  const [signed] = await Promise.all([page.waitForResponse(`${world.page}uploads`), page.waitForRequest((request) => request.url().startsWith(world.oss)), pick(page, picture('cancelled.png'))])
  const [{ key }] = (await signed.json()).uploads
  const given = page.waitForEvent('requestfailed', (request) => request === posted.at(-1))
  await page.locator(cancel).last().dispatchEvent('click') // Some show it only below the mouse.
  await given
  await page.unroute(`${world.oss}/**`)
  assert.equal((await fetch(`${world.oss}/${key.split('/').map(encodeURIComponent).join('/')}`)).status, 404)
}

async function lostAnswer(opened, { unmended, posts = 2, retry }) {
  const { page, choose, outcomes, posted } = opened
  await loseFirstAnswer(page, world.oss)
  const before = posted.length
  const file = picture('lost.png')
  let [line] = await choose(file)
  assert.equal(posted.length, before + posts)
  if (unmended) {
    assert.equal(line, `failed ${unmended}`)
    await assertShown(opened, unmended)
    ;[line] = await outcomes(1, () => page.locator(retry).click())
  }
  assert.deepEqual(await world.stored(keyOf(line, file.name)), file.buffer)
}

describe('components', { concurrency: AT_ONCE }, () => {
  for (const component of COMPONENTS) {
    const { recipe, packageName = recipe, packages = '', pick } = component

    test(`${recipe}: what its user sees`, async (t) => {
      t.diagnostic(`${packageName} ${await version(packageName, packages)}`)
      const opened = await openRecipe(browser, world, `${recipe}.html?${packages}`, pick)
      opened.page.setDefaultTimeout(10_000)
      opened.dialogues = []
      opened.page.on('dialog', (dialogue) => (opened.dialogues.push(dialogue.message()), dialogue.dismiss()))
      try {
        await t.test('stores several files, and says why one of them is refused', () => severalFiles(opened))
        await t.test('says why a file is too large or empty', () => refusedSizes(opened))
        await t.test('stores an empty file where the route takes it', () => emptyFile(opened))
        await t.test('of a file whose callback failed', () => failedCallback(opened, component))
        await t.test('stores a file whose answer was lost', () => lostAnswer(opened, component))
        if (component.cancel) await t.test('cancels, and nothing is stored', () => cancelled(opened, component))
        opened.assertClean({ allowFailedLoads: true, forgiven: (line) => line.endsWith(component.unmended) })
      } finally {
        await opened.page.close()
      }
    })
  }
})

for (const { recipe } of COMPONENTS) {
  test(`${recipe} has at most ${MAX_LINES} lines`, async () => {
    const [, script] = (await textOf(`${recipe}.html`)).match(/<script type="module">\n(.*)<\/script>/s)
    const lines = script.split('\n').filter((line) => line.trim() && !line.trim().startsWith('import '))
    assert.ok(lines.length <= MAX_LINES, `${lines.length} lines`)
  })
}
