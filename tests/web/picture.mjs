/**
 * Takes the picture of the page that the README shows: `node tests/web/picture.mjs`.
 * The page at work: files stored, one on its way, one refused, light on the left and dark on the right.
 */

import { chromium } from 'playwright-core'
import { startDev } from './support.mjs'

const dev = await startDev({ UPLOAD_MAX_SIZE: '6MiB', UPLOAD_ORIGINS: '' })
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
for (const colorScheme of ['light', 'dark']) {
  const context = await browser.newContext({ colorScheme, locale: 'en', viewport: { width: 640, height: 760 }, deviceScaleFactor: 1.5 })
  const page = await context.newPage()
  await page.goto(dev.page)
  const chart = await page.screenshot({ clip: { x: 0, y: 0, width: 200, height: 200 } })
  const files = [
    { name: '照片.png', mimeType: 'image/png', buffer: chart },
    { name: 'report.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(5_400_000) },
    { name: 'film.mp4', mimeType: 'video/mp4', buffer: Buffer.alloc(8_000_000) },
  ]
  await page.setInputFiles('input[type=file]', files)
  await page.waitForTimeout(1_500)
  await page.screenshot({ path: new URL(`page-${colorScheme}.png`, import.meta.url).pathname })
  await context.close()
}
await browser.close()
await dev.stop()
