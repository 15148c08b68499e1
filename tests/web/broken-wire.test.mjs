/**
 * Client and page over a wire that breaks: between Chromium and the local OSS stands a relay that cuts connections,
 * swallows answers, and counts what is under way. Signer, OSS and browser are the real ones.
 */

import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { openBrowser, startDev } from './support.mjs'

const MIB = 1024 * 1024

let browser, dev, page, relay

before(async () => {
  dev = await startDev({}, ['--role', 'uploader']) // Its local STS lends keys that the local OSS knows.
  relay = await openRelay(Number(new URL(dev.oss).port))
  // The browser keeps the address of the bucket, which the content policy and the form name, and lands at the relay.
  browser = await openBrowser(`--host-resolver-rules=MAP ${new URL(dev.oss).host} 127.0.0.1:${relay.port}`)
})

after(async () => {
  await browser?.close()
  relay?.stop()
  await dev?.stop()
})

beforeEach(async () => {
  await page?.context().close()
  page = await (await browser.newContext({ locale: 'en' })).newPage()
  await page.goto(dev.page)
  // Waits before another try are spent a hundred times as fast.
  await page.evaluate(() => {
    const later = window.setTimeout
    window.setTimeout = (done, wait) => later(done, wait / 100)
  })
  relay.reset()
})

/**
 * Passes bytes on, until a test's plan says otherwise. `plan` holds what happens to the next posts, one each:
 * `{ cutAfter }` breaks the connection after so many bytes of it, `{ stallAfter }` takes no more than so many, and
 * `{ swallow: true }` breaks it when OSS begins to answer.
 */
async function openRelay(ossPort) {
  const relay = { plan: [], posts: 0, underWay: 0, most: 0, hold: undefined }
  const sockets = new Set()
  const server = createServer((near) => {
    const far = connect(ossPort, '127.0.0.1')
    let now // What is planned for the post that travels.
    const part = () => [near, far].forEach((socket) => socket.destroy())
    const ended = () => now && ((relay.underWay -= 1), (now = undefined))
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', part).on('close', () => (part(), ended(), sockets.delete(socket)))
    }
    near.on('data', (bytes) => {
      if (bytes.toString('latin1', 0, 5) === 'POST ') {
        now = { passed: 0, ...relay.plan.shift() }
        relay.posts += 1
        relay.most = Math.max(relay.most, (relay.underWay += 1))
      }
      if (now) now.passed += bytes.length
      if (now?.passed > now?.cutAfter) return part()
      if (!far.write(bytes) || now?.passed > now?.stallAfter) near.pause()
    })
    far.on('drain', () => now?.passed > now?.stallAfter || near.resume())
    far.on('data', async (bytes) => {
      if (now?.swallow) return part()
      if (now) await relay.hold?.()
      ended()
      near.write(bytes)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  relay.port = server.address().port
  relay.reset = () => Object.assign(relay, { plan: [], posts: 0, underWay: 0, most: 0, hold: undefined })
  relay.stop = () => (sockets.forEach((socket) => socket.destroy()), server.close())
  return relay
}

/** Uploads a file of this size with the client alone, and says what came of it and what was heard on the way. */
function attempt(size, { abortAfter } = {}) {
  return page.evaluate(
    async ({ size, abortAfter }) => {
      const { upload } = await import('/client.js')
      const file = new File([new Uint8Array(size).fill(7)], 'wire.bin')
      const controller = new AbortController()
      const heard = { retries: [], loaded: [] }
      const options = {
        signal: controller.signal,
        onRetry: ({ error }) => heard.retries.push(error.code),
        onProgress: ({ loaded }) => {
          heard.loaded.push(loaded)
          if (loaded >= abortAfter) controller.abort()
        },
      }
      return upload(file, options).then((stored) => ({ ...heard, stored }), ({ code, ec }) => ({ ...heard, code, ec }))
    },
    { size, abortAfter },
  )
}

async function storedSize({ stored }) {
  const answer = await fetch(stored.url)
  assert.equal(answer.status, 200, stored.url)
  return (await answer.arrayBuffer()).byteLength
}

test('a connection that is cut half-way is tried again, under the same grant', async () => {
  relay.plan = [{ cutAfter: 2 * MIB }, { cutAfter: 3 * MIB }]
  const result = await attempt(8 * MIB)
  assert.equal(await storedSize(result), 8 * MIB)
  assert.deepEqual([result.retries.every((code) => code === 'network'), relay.posts], [true, 3])
  assert.deepEqual(result.loaded, result.loaded.toSorted((one, two) => one - two))
})

test('a connection that is cut each time is given up after four tries', async () => {
  relay.plan = Array.from({ length: 16 }, () => ({ cutAfter: MIB }))
  const result = await attempt(8 * MIB)
  assert.deepEqual([result.code, result.retries], ['network', ['network', 'network', 'network']])
})

test('a lost answer is not a lost file: the next try finds it stored', async () => {
  relay.plan = [{ swallow: true }, { swallow: true }] // The first is repeated by Chromium itself.
  const result = await attempt(MIB)
  assert.equal(await storedSize(result), MIB)
  assert.deepEqual([result.retries, relay.posts], [['network'], 3])
})

test('where Chromium repeats a post by itself and meets the first one\'s object, the file is stored', async () => {
  await attempt(1) // Leaves a connection open, which is what Chromium repeats posts on.
  relay.reset()
  relay.plan = [{ swallow: true }]
  const result = await attempt(MIB)
  assert.equal(await storedSize(result), MIB)
  assert.deepEqual(result.retries, [])
  assert.equal(relay.posts, 2, 'the lost one, and Chromium\'s own')
})

test('an object that is really there is never taken for the file', async () => {
  const outcome = await page.evaluate(async () => {
    const { sign, send } = await import('/client.js')
    const [grant] = await sign([new File(['first'], 'a.txt')])
    await send(grant)
    return send({ ...grant, file: new File(['other'], 'a.txt') }).then(() => 'stored', ({ code, status }) => `${code} ${status}`)
  })
  assert.equal(outcome, 'FileAlreadyExists 409')
})

/** Signs a policy anew as one that ended an hour ago, with a key that the local OSS knows. */
function expire({ fields: granted }, lent) {
  const [id] = granted['x-oss-credential'].split('/')
  const token = granted['x-oss-security-token']
  const renewed = (text) => text.replaceAll(id, lent.AccessKeyId).replaceAll(token, lent.SecurityToken)
  const fields = Object.fromEntries(Object.entries(granted).map(([name, value]) => [name, renewed(value)]))
  const policy = JSON.parse(renewed(Buffer.from(granted.policy, 'base64').toString()))
  policy.expiration = new Date(Date.now() - 3600_000).toISOString()
  const text = Buffer.from(JSON.stringify(policy)).toString('base64')
  const [, ...scope] = fields['x-oss-credential'].split('/')
  const key = scope.reduce((key, part) => createHmac('sha256', key).update(part).digest(), `aliyun_v4${lent.AccessKeySecret}`)
  return { ...fields, policy: text, 'x-oss-signature': createHmac('sha256', key).update(text).digest('hex') }
}

for (const times of [1, 2]) {
  test(`a grant that has expired is renewed ${times === 1 ? 'and the file arrives' : 'once and not twice'}`, async () => {
    let calls = 0
    const lent = await (await fetch(new URL('/credentials', dev.sts))).json()
    await page.route('**/uploads', async (route) => {
      calls += 1
      const answer = await route.fetch()
      const body = await answer.json()
      if (calls <= times) for (const upload of body.uploads) upload.fields = expire(upload, lent)
      await route.fulfill({ response: answer, json: body })
    })
    const result = await attempt(1000)
    assert.equal(calls, 2)
    if (times === 1) assert.equal(await storedSize(result), 1000)
    else assert.deepEqual([result.code, result.ec], ['AccessDenied', '0006-00000213'])
  })
}

test('an abort ends the upload on the wire, and it is not tried again', async () => {
  relay.plan = [{ stallAfter: 2 * MIB }]
  const result = await attempt(32 * MIB, { abortAfter: MIB })
  assert.deepEqual([result.code, result.retries, relay.posts], ['aborted', [], 1])
  assert.ok(result.loaded.at(-1) < 32 * MIB)
})

test('of ten files on the page six travel at a time, and all arrive', async () => {
  let release
  const full = new Promise((resolve) => (release = resolve))
  relay.hold = () => (relay.most >= 6 && release(), full) // Nobody is answered before six are under way.
  const files = Array.from({ length: 10 }, (_, index) => ({ name: `${index}.bin`, mimeType: 'application/octet-stream', buffer: randomBytes(1000) }))
  await page.setInputFiles('#files', files)
  await page.locator('.row[data-state=done]').nth(9).waitFor()
  assert.deepEqual([relay.most, relay.posts, relay.underWay], [6, 10, 0])
})

test('the page says that a connection broke, goes on, and its bar never goes back', async () => {
  relay.plan = [{ cutAfter: 4 * MIB }, { cutAfter: 6 * MIB }] // Chromium itself repeats after the first.
  await page.evaluate(() => {
    window.seen = { values: [], states: new Set() }
    new MutationObserver(() => {
      window.seen.values.push(document.querySelector('.row progress').value)
      window.seen.states.add(document.querySelector('.state').textContent)
    }).observe(document.getElementById('rows'), { subtree: true, childList: true, characterData: true, attributeFilter: ['value'] })
  })
  await page.setInputFiles('#files', [{ name: 'long.bin', mimeType: 'application/octet-stream', buffer: randomBytes(8 * MIB) }])
  await page.locator('.row[data-state=done]').waitFor()
  const { values, states } = await page.evaluate(() => ({ values: window.seen.values, states: [...window.seen.states] }))
  assert.deepEqual(values, values.toSorted((one, two) => one - two))
  assert.ok(states.includes('8.4 MB · Interrupted, trying again'), states.join('\n'))
})
