/**
 * The npm package of `clients/js` in an application of Next.js: built with its pages rendered on a server, and driven in
 * Chromium.
 */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { installPackage, openBrowser, serveFiles, startDev, witness } from './support.mjs'

const FOLDER = fileURLToPath(new URL('frameworks', import.meta.url))
const LIMIT_MS = 300_000
/** It may not report to its makers, nor look for a newer version. */
const SILENT = { NEXT_TELEMETRY_DISABLED: '1', NEXT_IGNORE_INCORRECT_LOCKFILE: '1', NO_UPDATE_NOTIFIER: '1', CI: '1' }

const FRAMEWORKS = [
  { name: 'next', build: ['next/dist/bin/next', 'build'], output: 'out', built: ['.next', 'out'] },
]

let dev, browser

before(async () => {
  dev = await startDev({ UPLOAD_MAX_SIZE: '30MiB' })
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await dev?.stop()
})

const file = (name, content) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(content) })

async function stored(key) {
  const answer = await fetch(`${dev.oss}/${key.split('/').map(encodeURIComponent).join('/')}`)
  assert.equal(answer.status, 200, key)
  return answer.text()
}

for (const { name, build: [script, ...options], output, built } of FRAMEWORKS) {
  test(`an application of ${name} is rendered on a server, and uploads with the hook and the element`, async (t) => {
    const { version } = JSON.parse(await readFile(join(FOLDER, 'node_modules', name, 'package.json'), 'utf8'))
    t.diagnostic(`${name} ${version}`)
    const project = join(FOLDER, name)
    for (const folder of [...built, 'node_modules']) await rm(join(project, folder), { recursive: true, force: true })
    await installPackage(project)
    const run = promisify(execFile)(process.execPath, [join(FOLDER, 'node_modules', script), ...options], { cwd: project, env: { ...process.env, ...SILENT }, timeout: LIMIT_MS })
    await run.catch(({ stdout, stderr }) => assert.fail(`${stdout}${stderr}`))
    assert.match(await readFile(join(project, output, 'index.html'), 'utf8'), /<input id="hook" type="file" multiple/, 'the server has not rendered the component')
    const site = await serveFiles(join(project, output))
    try {
      await drive(site)
    } finally {
      await site.stop()
    }
  })
}

async function drive(site) {
  const page = await browser.newPage({ locale: 'zh-CN', reducedMotion: 'reduce' })
  const { assertClean } = await witness(page)
  await page.goto(`${site.origin}/?signer=${encodeURIComponent(dev.page)}`)
  await page.locator('main[data-ready^=http]').waitFor()

  await page.setInputFiles('#hook', [file('照片 😀.txt', 'hook'), file('empty.txt', '')])
  const line = page.locator('p[data-status=stored]')
  await line.getByText('照片 😀.txt').waitFor()
  assert.equal(await stored(await line.getAttribute('data-key')), 'hook')
  await page.locator('p[data-status=failed]', { hasText: 'empty.txt' }).waitFor()

  const element = page.locator('oss-upload')
  await element.locator('#files').setInputFiles([file('element.txt', 'element')])
  await element.locator('.row[data-state=done]').waitFor()
  assertClean({ allowFailedLoads: true })
  await page.close()
}
