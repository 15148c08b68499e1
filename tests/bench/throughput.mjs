/**
 * Measures how fast clients upload one large file from Chromium to the local OSS, 50 ms away: `multipart.js`, Uppy 6 and
 * ali-oss, each as its recipe in `tests/web/clients` sets it up, with the same size of parts. Rounds alternate, so that a
 * machine whose speed drifts is unfair to all alike. What counts is the ratio.
 *
 *   tests/bench/throughput            256 MiB, three rounds
 *   tests/bench/throughput 64 1       MiB and rounds
 */

import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { startWorld, version } from '../web/clients.mjs'
import { openBrowser } from '../web/support.mjs'

const MIB = 2 ** 20
const [size = 256, rounds = 3] = process.argv.slice(2).map(Number)
/** One way, in milliseconds. */
const DELAY = 25
/** The longest upload that is waited for. */
const LIMIT_MS = 10 * 60 * 1000

/** Passes bytes on after a delay, each way. */
async function openRelay({ hostname, port }) {
  const server = createServer((near) => {
    const far = connect(Number(port), hostname.endsWith('localhost') ? '127.0.0.1' : hostname)
    for (const [from, to] of [[near, far], [far, near]]) {
      from.setNoDelay(true)
      from.on('data', (bytes) => setTimeout(() => to.writable && !to.write(bytes) && from.pause(), DELAY))
      to.on('drain', () => from.resume())
      from.on('end', () => setTimeout(() => to.end(), DELAY))
      from.on('error', () => to.destroy())
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: server.address().port, stop: () => server.close() }
}

/** Uploads with our own client, from the page of the signer. */
async function ours(page, world, path) {
  await page.goto(world.page)
  await page.evaluate(() => document.body.replaceChildren(Object.assign(document.createElement('input'), { type: 'file', id: 'own' })))
  await page.setInputFiles('#own', path)
  return page.evaluate(async () => {
    const { upload } = await import('/client.js')
    const start = performance.now()
    await upload(document.getElementById('own').files[0], { route: 'photos' })
    return performance.now() - start
  })
}

/** Uploads with the recipe of another client, which says when the file is stored. */
function recipe(name) {
  return async (page, world, path) => {
    const said = new Promise((resolve, reject) => {
      page.on('console', (message) => {
        if (message.text().startsWith('stored')) resolve(true)
        if (message.text().startsWith('failed')) reject(new Error(message.text()))
      })
      setTimeout(reject, LIMIT_MS, new Error(`${name} is not done in time`)).unref()
    })
    await page.goto(`${world.origin}/${name}`)
    const start = performance.now()
    await page.locator('input').setInputFiles(path)
    await said
    return performance.now() - start
  }
}

function median(values) {
  return values.toSorted((one, two) => one - two)[Math.floor(values.length / 2)]
}

const clients = [
  ['`multipart.js`', ours],
  [`Uppy ${await version('@uppy/aws-s3', 'uppy-6')}`, recipe('uppy-6-large.html?uppy-6')],
  [`ali-oss ${await version('ali-oss')}`, recipe('ali-oss.html')],
]
const world = await startWorld('multipart = { enabled = true, threshold = "10MiB", part_size = "5MiB" }\nsts = { enabled = true }\n', ['--role', 'uploader'], { largest: '9GiB' })
const oss = new URL(world.oss)
const relay = await openRelay(oss)
const browser = await openBrowser(`--host-resolver-rules=MAP ${oss.host} 127.0.0.1:${relay.port}`)
try {
  const times = new Map(clients.map(([name]) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, upload] of clients) {
      const context = await browser.newContext()
      const path = await world.onDisk(`${round} ${name.replace(/\W/g, '')}.png`, size * MIB)
      times.get(name).push(await upload(await context.newPage(), world, path))
      await context.close()
    }
  }
  const [first] = [...times.values()].map(median)
  console.log(`| ${size} MiB, 50 ms away | MiB/s | ratio of the time to \`multipart.js\` |\n|---|---|---|`)
  for (const [name, values] of times) {
    const time = median(values)
    console.log(`| ${name} | ${((size * 1000) / time).toFixed(1)} | ${(time / first).toFixed(2)} |`)
  }
} finally {
  await browser.close()
  relay.stop()
  await world.stop()
}
