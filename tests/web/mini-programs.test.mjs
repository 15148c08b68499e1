/**
 * The recipes for mini programs. No mini program runs here: uview-plus' real upload component runs in Chromium, with
 * `uni.mjs` in the place of uni-app; the recipe for WeChat runs in Node, with a stand-in for the two calls of `wx` that
 * does what WeChat documents: one multipart POST, fields before the file, no origin, any status a success.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { loseFirstAnswer, recipe, startWorld, version } from './clients.mjs'
import { openBrowser, witness } from './support.mjs'

const MIB = 1024 * 1024
const REFERER = 'https://servicewechat.com/wx0123456789abcdef/1/page-frame.html'
const SMALL = randomBytes(3000)
const LARGE = randomBytes(20 * MIB)

let browser, world, wechat
/** What the function answered to the first call of each recipe, for a route whose grants end soon. */
const ending = {}

before(async () => {
  world = await startWorld()
  for (const dialect of ['uview', 'wechat']) {
    ending[dialect] = await world.askBriefly(`${world.page}${dialect}/photos?filename=a.png&size=${SMALL.length}`)
  }
  const text = (await recipe('wechat.js')).replace('https://signer.example.com/', world.page)
  wechat = await import(`data:text/javascript,${encodeURIComponent(text)}`)
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await world?.stop()
})

async function ended({ body, ended }) {
  await setTimeout(Math.max(0, ended - Date.now()))
  return JSON.parse(body)
}

/** Opens the recipe for uview-plus; `choose` picks a file as a user of the album does. */
async function visit(body) {
  const page = await browser.newPage()
  try {
    const { assertClean } = await witness(page)
    const failures = []
    page.on('console', (message) => message.text().startsWith('failed ') && failures.push(message.text().slice('failed '.length)))
    const posted = []
    page.on('request', (request) => request.method() === 'POST' && posted.push(request))
    await page.goto(`${world.origin}/uview-plus.vue`)
    const choose = async (file) => {
      await page.locator('#album').setInputFiles(file)
      await page.locator('.u-upload__button').dispatchEvent('click')
    }
    const answer = () => page.waitForResponse((response) => response.request().method() === 'POST')
    /** The address that the component shows of its last file, when it has taken it for OSS's. */
    const shown = async () => {
      const image = page.locator(`.u-upload__wrap__preview__image[src^="${world.oss}"]`).last()
      return (await image.getAttribute('src')).slice(`${world.oss}/`.length)
    }
    const toast = async () => {
      while (!failures.length) await page.waitForEvent('console')
      return failures.shift()
    }
    await body({ page, choose, answer, posted, shown, toast, assertClean })
  } finally {
    await page.close()
  }
}

const uview = `uview-plus ${await version('uview-plus')}`

test(`${uview}: a small file and a large one arrive byte for byte`, async () => {
  for (const [name, content] of Object.entries({ '照片 1.png': SMALL, 'large.png': LARGE })) {
    await visit(async ({ choose, shown, assertClean }) => {
      await choose(await world.onDisk(name, content))
      const key = await shown()
      assert.ok(key.endsWith(`/${name}`), key)
      assert.ok((await world.stored(key)).equals(content))
      assertClean()
    })
  }
})

test(`${uview}: shows the function's words for a file that is not taken, and its own for one that is too large`, () =>
  visit(async ({ choose, posted, toast }) => {
    await choose(await world.onDisk('note.txt', 'text'))
    assert.equal(await toast(), 'A file of type "text/plain" is not taken; what is: image/*.')
    await choose(await world.onDisk('too-large.png', 31 * MIB))
    assert.match(await toast(), /\S/)
    assert.equal(posted.length, 0)
  }))

test(`${uview}: takes a refusal of OSS for a success, which its user has to know`, () =>
  visit(async ({ page, choose, answer, shown }) => {
    const json = await ended(ending.uview)
    await page.route('**/uview/photos?*', (route) => route.fulfill({ json, headers: { 'access-control-allow-origin': '*' } }))
    const answered = answer()
    await choose(await world.onDisk('a.png', SMALL))
    assert.match(await (await answered).text(), /Policy expired/)
    assert.equal((await fetch(`${world.oss}/${await shown()}`)).status, 404)
  }))

test(`${uview}: never says that an answer was lost`, () =>
  visit(async ({ page, choose }) => {
    await loseFirstAnswer(page, world.oss)
    const signed = page.waitForResponse((response) => response.url().includes('/uview/'))
    const lost = page.waitForEvent('requestfailed')
    await choose(await world.onDisk('b.png', SMALL))
    await lost
    const { data } = await (await signed).json()
    assert.deepEqual(await world.stored(data.params.key), SMALL)
    assert.match(await page.locator('.u-upload__wrap__preview__image').getAttribute('src'), /^blob:/)
  }))

/** The two calls of `wx`; `lose` has the answer of an upload vanish, `replay` answers in the signer's place. */
function standIn({ lose, replay } = {}) {
  const settle = (work, { success, fail }) => void work.then(success, () => fail({ errMsg: 'uploadFile:fail' }))
  const headers = { referer: REFERER }
  return {
    request({ url, data, ...handlers }) {
      const ask = async () => {
        if (replay) return { statusCode: 200, data: replay }
        const answer = await fetch(`${url}?${new URLSearchParams(data)}`, { headers })
        return { statusCode: answer.status, data: await answer.json() }
      }
      settle(ask(), handlers)
    },
    uploadFile({ url, filePath, name, formData, ...handlers }) {
      const post = async () => {
        const form = new FormData()
        for (const [field, value] of Object.entries(formData)) form.append(field, value)
        form.append(name, new Blob([await readFile(filePath)]), basename(filePath))
        const answer = await fetch(url, { method: 'POST', headers, body: form })
        if (lose) throw new Error('lost')
        return { statusCode: answer.status, data: await answer.text() }
      }
      settle(post(), handlers)
    },
  }
}

async function uploadAsWechat(path, size, options) {
  globalThis.wx = standIn(options)
  return wechat.upload({ tempFilePath: path, size })
}

test('wx.uploadFile: a small file and a large one arrive byte for byte, under the type that their name tells', async () => {
  for (const [name, content] of Object.entries({ 'tmp_1.jpg': SMALL, 'tmp_2.jpg': LARGE })) {
    const key = await uploadAsWechat(await world.onDisk(name, content), content.length)
    assert.match(key, new RegExp(`^photos/[-0-9a-f]{36}/${name}$`))
    assert.ok((await world.stored(key, 'image/jpeg')).equals(content))
  }
})

test("wx.uploadFile: says the function's words, and OSS's", async () => {
  await assert.rejects(uploadAsWechat(await world.onDisk('a.txt', 'text'), 4), { message: 'A file of type "text/plain" is not taken; what is: image/*.' })
  const size = 31 * MIB
  const tooLarge = { message: `The file has ${size} bytes; at most 30 MiB are taken. Choose a smaller one.` }
  await assert.rejects(uploadAsWechat(await world.onDisk('a.jpg', size), size), tooLarge)
  const replay = await ended(ending.wechat)
  const expired = { message: 'Invalid according to Policy: Policy expired.' }
  await assert.rejects(uploadAsWechat(await world.onDisk('c.png', SMALL), SMALL.length, { replay }), expired)
})

test('wx.uploadFile: an answer that is lost is reported, and a second try is a new object', async () => {
  const path = await world.onDisk('d.png', SMALL)
  await assert.rejects(uploadAsWechat(path, SMALL.length, { lose: true }), { message: 'uploadFile:fail' })
  assert.deepEqual(await world.stored(await uploadAsWechat(path, SMALL.length)), SMALL)
})
