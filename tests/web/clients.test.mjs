/**
 * Other people's clients, each with its real npm package, as the recipes in `clients/` set them up: from an origin of
 * their own, against the function behind the gateway and the local OSS. What each does when something goes wrong is
 * part of what is tested, so that nobody has to guess.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { loseFirstAnswer, openRecipe, startWorld, version } from './clients.mjs'
import { openBrowser } from './support.mjs'

const MIB = 1024 * 1024
/** One pixel: some clients draw what they are given. */
const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
const SMALL = { name: '照片 1.png', mimeType: 'image/png', buffer: Buffer.concat([PIXEL, randomBytes(3000)]) }
const LARGE = randomBytes(20 * MIB)
const FORBIDDEN = { name: 'page.html', mimeType: 'text/html', buffer: Buffer.from('<script>alert(1)</script>') }
/** The route's rules, in the function's words and in OSS's. */
const NOT_TAKEN = 'A file of type "text/html" is not taken; what is: image/*.'
const TOO_LARGE = `The file has ${31 * MIB} bytes; at most 30 MiB are taken. Choose a smaller one.`

const NETWORK = 'This looks like a network error, the endpoint might be blocked by an internet provider or a firewall.'

/**
 * What each says where that is not what the function said: of a type or a size that is not taken, of a grant that has
 * ended, and of an upload whose answer was lost (`posts` counts how often it was sent then).
 */
const CLIENTS = [
  { name: 'Uppy', packages: 'uppy-3', recipe: 'uppy-3.html', size: 'Upload error', expired: 'Upload error', lost: NETWORK },
  { name: 'Uppy', packages: 'uppy-3', recipe: 'uppy-3-sign.html', expired: 'Upload error', lost: NETWORK },
  { name: 'Uppy', packages: 'uppy-4', recipe: 'uppy-5.html', size: 'Non 2xx', expired: 'Non 2xx', lost: 'Unknown error' },
  { name: 'Uppy', packages: 'uppy-4', recipe: 'uppy-5-sign.html', expired: 'Non 2xx', lost: 'Unknown error' },
  { name: 'Uppy', packages: 'uppy-5', recipe: 'uppy-5.html', size: 'Non 2xx', expired: 'Non 2xx', lost: 'Unknown error' },
  { name: 'Uppy', packages: 'uppy-5', recipe: 'uppy-5-sign.html', expired: 'Non 2xx', lost: 'Unknown error' },
  { name: 'Uppy', packages: 'uppy-6', recipe: 'uppy-6.html', type: 'Companion request failed: Unprocessable Entity', size: NETWORK, expired: NETWORK, lost: NETWORK, posts: 2 },
  { name: 'Uppy', packages: 'uppy-6', recipe: 'uppy-6-sign.html', size: 'S3 returned 400 – EntityTooLarge', expired: 'S3 returned 403 – AccessDenied', lost: 'S3 returned 409 – FileAlreadyExists', posts: 2 },
  { name: 'FilePond', recipe: 'filepond.html', expired: 'Invalid according to Policy: Policy expired.', renews: true, mends: true },
  { name: 'Dropzone', recipe: 'dropzone.html', expired: '<xml> Invalid according to Policy: Policy expired.', lost: 'Server responded with 0 code.' },
  { name: 'Plupload', recipe: 'plupload.html', expired: '<xml> Invalid according to Policy: Policy expired.', lost: 'HTTP Error.' },
  { name: 'antd', recipe: 'antd.html', expired: '<xml> Invalid according to Policy: Policy expired.', lost: 'no answer' },
  { name: 'element-plus', recipe: 'element-plus.html', expired: 'Invalid according to Policy: Policy expired.', lost: 'fail to post http://127.0.0.1:0 0' },
]

let browser, world, large, tooLarge
/** A grant of ten seconds for each client, taken early and used when it has ended. */
const ending = new Map()

before(async () => {
  world = await startWorld()
  large = await world.onDisk('large.png', LARGE)
  tooLarge = await world.onDisk('too-large.png', 31 * MIB)
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await world?.stop()
})

/** Opens a recipe and lets a test choose a file in it; `choose` gives the line that the recipe logs. */
async function visit({ recipe, packages = '' }, body) {
  const opened = await openRecipe(browser, world, `${recipe}?${packages}`)
  try {
    await body({ ...opened, choose: async (file) => (await opened.choose(file))[0] })
  } finally {
    await opened.page.close()
  }
}

const isSigning = (url) => url.href.startsWith(world.page) && url.pathname !== '/client.js'

function keyOf(line) {
  assert.match(line, /^stored photos\//)
  return line.slice('stored '.length)
}

/** Asks once more what the client asked, for a route whose grants end soon. */
function askBriefly(request) {
  const body = request.postData()?.replace('"photos"', '"brief"')
  return world.askBriefly(request.url(), { method: request.method(), headers: { origin: world.origin }, body })
}

/** Leaves out what varies from run to run; some clients show the whole XML of OSS. */
function settle(line) {
  return line.replace(/127\.0\.0\.1:\d+/, '127.0.0.1:0').replace(/<\?xml.*<Message>(.*)<\/Message>.*/s, '<xml> $1')
}

/** Uppy 4 and 5 miss a header that OSS is not known to send, say so, and go on. */
const forgiven = (line) => /Could not read the Location header/.test(line)

for (const client of CLIENTS) {
  client.label = `${client.name} ${await version(client.packages ? '@uppy/aws-s3' : client.recipe.replace('.html', ''), client.packages)}, ${client.recipe}`

  test(`${client.label}: a small file and a large one arrive byte for byte`, () =>
    visit(client, async ({ page, choose, posted, assertClean }) => {
      const asked = page.waitForRequest((request) => isSigning(new URL(request.url())))
      const key = keyOf(await choose(SMALL))
      assert.match(key, /^photos\/[-0-9a-f]{36}\/照片 1\.png$/)
      assert.deepEqual(await world.stored(key), SMALL.buffer)
      ending.set(client, await askBriefly(await asked))
      assert.ok((await world.stored(keyOf(await choose(large)))).equals(LARGE))
      assert.equal(posted.length, 2)
      assertClean({ forgiven })
    }))

  test(`${client.label}: says why a type is not taken`, () =>
    visit(client, async ({ choose, posted }) => {
      assert.equal(await choose(FORBIDDEN), `failed ${client.type ?? NOT_TAKEN}`)
      assert.equal(posted.length, 0)
    }))

  test(`${client.label}: says why a file is too large`, () =>
    visit(client, async ({ choose, posted }) => {
      assert.equal(await choose(tooLarge), `failed ${client.size ?? TOO_LARGE}`)
      assert.equal(posted.length, client.size ? 1 : 0)
    }))

  test(`${client.label}: with its answer lost the file is stored, and the next one too`, () =>
    visit(client, async ({ page, choose, posted }) => {
      const signed = page.waitForResponse((response) => isSigning(new URL(response.url())))
      await loseFirstAnswer(page, world.oss)
      const outcome = settle(await choose(SMALL))
      if (!client.mends) assert.equal(outcome, `failed ${client.lost}`)
      assert.equal(posted.length, client.mends ? 2 : (client.posts ?? 1))
      const [key] = (await (await signed).text()).match(/photos\/[-0-9a-f]{36}\/照片 1\.png/)
      assert.deepEqual(await world.stored(key), SMALL.buffer)
      if (client.mends) assert.equal(outcome, `stored ${key}`)
      keyOf(await choose({ ...SMALL, name: 'again.png' }))
    }))
}

for (const client of CLIENTS) {
  test(`${client.label}: a grant that has ended stores nothing`, () =>
    visit(client, async ({ page, choose, posted }) => {
      const { body, ended } = ending.get(client)
      await setTimeout(Math.max(0, ended - Date.now()))
      const headers = { 'access-control-allow-origin': '*', 'content-type': 'application/json' }
      await page.route(isSigning, (route) => route.fulfill({ headers, body }))
      assert.equal(settle(await choose(SMALL)), `failed ${client.expired}`)
      assert.equal(posted.length, client.renews ? 2 : 1)
    }))
}
