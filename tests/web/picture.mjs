/**
 * Takes the pictures of the page that the README shows: `node tests/web/picture.mjs`.
 * The page at work: files stored, one on its way, one refused before it was sent, in light colours and in dark ones.
 */

import { openBrowser, startDev } from './support.mjs'

const MIB = 1024 * 1024
const PHOTO = { type: 'image/png', width: 320, height: 320 }
const LIMITS = { min_size: 1, max_size: 6 * MIB, types: ['image/*', 'application/pdf', 'video/mp4'], extensions: [], max_files: 20, accept: '' }

/** Paints a small landscape, so that there is a photo to preview; runs in the page. */
async function paint({ type, width, height }) {
  const canvas = new OffscreenCanvas(width, height)
  const pen = canvas.getContext('2d')
  const sky = pen.createLinearGradient(0, 0, 0, height)
  sky.addColorStop(0, '#f7c873')
  sky.addColorStop(1, '#d9705a')
  pen.fillStyle = sky
  pen.fillRect(0, 0, width, height)
  pen.fillStyle = '#fff3d6'
  pen.arc(width * 0.66, height * 0.36, width * 0.12, 0, 7)
  pen.fill()
  for (const [color, from, peak] of [['#7d4a5b', 0.75, 0.45], ['#3a2f45', 0.9, 0.62]]) {
    pen.fillStyle = color
    pen.beginPath()
    pen.moveTo(0, height * from)
    pen.quadraticCurveTo(width * peak, height * (peak - 0.1), width, height * (from + 0.05))
    pen.lineTo(width, height)
    pen.lineTo(0, height)
    pen.fill()
  }
  return [...new Uint8Array(await (await canvas.convertToBlob({ type })).arrayBuffer())]
}

const dev = await startDev({ UPLOAD_MAX_SIZE: '6MiB', UPLOAD_ORIGINS: '' })
const browser = await openBrowser()
for (const colorScheme of ['light', 'dark']) {
  const context = await browser.newContext({ colorScheme, locale: 'en', viewport: { width: 640, height: 860 }, deviceScaleFactor: 1.5 })
  const page = await context.newPage()
  await page.route('**/routes/*', (route) => route.fulfill({ json: LIMITS }))
  await page.goto(dev.page)
  const choose = (...files) => page.setInputFiles('#files', files.map(([name, mimeType, bytes]) => ({ name, mimeType, buffer: Buffer.from(bytes) })))
  await choose(['照片.png', 'image/png', await page.evaluate(paint, PHOTO)], ['report.pdf', 'application/pdf', new Uint8Array(1_400_000)])
  await page.locator('.row[data-state=done]').nth(1).waitFor()
  const wire = await context.newCDPSession(page)
  await wire.send('Network.enable')
  await wire.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: MIB })
  await choose(['clip.mp4', 'video/mp4', new Uint8Array(5_400_000)], ['film.mp4', 'video/mp4', new Uint8Array(8_000_000)])
  await page.waitForFunction(() => document.querySelector('.row[data-state=sending] progress')?.value > 0.4)
  await page.screenshot({ path: new URL(`page-${colorScheme}.png`, import.meta.url).pathname })
  await context.close()
}
await browser.close()
await dev.stop()
