/**
 * The client that the OSS documentation shows, from an origin of its own: it asks for a signature, then posts the
 * form in its own order with its own key. Any page written that way has to work unchanged.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openBrowser, serve, startDev, witness } from './support.mjs'

const PAGE = '<!doctype html><html lang="en"><head><title>another site</title><link rel="icon" href="data:,"></head><body></body></html>'

const FOREIGN = 'another.example.com'

let browser, listed, foreign, dev

before(async () => {
  const html = (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE)
  listed = await serve(html)
  foreign = await serve(html)
  dev = await startDev({ UPLOAD_ORIGINS: listed.origin })
  // `dev` admits the pages of this machine, so the page that it has to refuse needs another host.
  browser = await openBrowser(`--host-resolver-rules=MAP ${FOREIGN} 127.0.0.1`)
})

after(async () => {
  await browser?.close()
  await Promise.all([listed?.stop(), foreign?.stop()])
  await dev?.stop()
})

/** Runs in the page: the documentation's steps, in the documentation's order of fields. */
async function askAndPost({ address, name, content }) {
  const answer = await fetch(address)
  const grant = await answer.json()
  const file = new File([content], name, { type: 'text/plain' })
  const key = grant.dir + file.name
  const form = new FormData()
  form.append('success_action_status', '200')
  form.append('policy', grant.policy)
  form.append('x-oss-signature', grant.signature)
  form.append('x-oss-signature-version', 'OSS4-HMAC-SHA256')
  form.append('x-oss-credential', grant.x_oss_credential)
  form.append('x-oss-date', grant.x_oss_date)
  form.append('key', key)
  form.append('x-oss-security-token', grant.security_token)
  form.append('file', file)
  const posted = await fetch(grant.host, { method: 'POST', body: form })
  return { grant, key, status: posted.status, said: await posted.text() }
}

test('a page written after the documentation uploads from a listed origin', async () => {
  const page = await browser.newPage()
  const { assertClean } = await witness(page)
  await page.goto(listed.origin)
  const content = '从另一个网站来的内容'
  const { grant, key, status, said } = await page.evaluate(askAndPost, { address: dev.sign, name: '说明 书.txt', content })
  assert.equal(status, 200, said)
  for (const name of ['policy', 'signature', 'x_oss_credential', 'x_oss_date', 'dir', 'security_token', 'host']) {
    assert.equal(typeof grant[name], 'string', name)
  }
  const stored = await fetch(`${dev.oss}/${key.split('/').map(encodeURIComponent).join('/')}`)
  assert.equal(await stored.text(), content)
  assertClean()
  await page.close()
})

test('an origin that is not listed is refused by the signer itself', async () => {
  const page = await browser.newPage()
  await page.goto(foreign.origin.replace('127.0.0.1', FOREIGN))
  // A missing header hides an answer from the page but not from the wire, where the status has to be 403 too.
  const wire = await page.context().newCDPSession(page)
  await wire.send('Network.enable')
  const answered = new Promise((resolve) => wire.once('Network.responseReceivedExtraInfo', resolve))
  const policy = await page.evaluate((address) => fetch(address).then((answer) => answer.json()).then((grant) => grant.policy, () => null), dev.sign)
  assert.equal((await answered).statusCode, 403)
  assert.equal(policy ?? null, null)
  await page.close()
})

test('the client tells a signer that does not admit the page from one that cannot be reached', async () => {
  const page = await browser.newPage()
  await page.goto(foreign.origin.replace('127.0.0.1', FOREIGN))
  const attempt = (client, endpoint) => page.evaluate(
    async ({ client, endpoint }) => {
      const { upload } = await import(client)
      return upload(new File(['a'], 'a.txt'), { endpoint, tries: 2 }).then(() => 'stored', ({ code, message }) => [code, message])
    },
    { client, endpoint },
  )
  const client = `${dev.page}client.js`
  const { origin } = new URL(page.url())
  assert.deepEqual(await attempt(client), ['origin_not_allowed', `The signer does not admit ${origin}: see UPLOAD_ORIGINS.`])
  const gone = await serve(() => {})
  await gone.stop()
  assert.equal((await attempt(client, gone.origin))[0], 'network')
  await page.close()
})
