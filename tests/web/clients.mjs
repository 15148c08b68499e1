/**
 * Serves the recipes in `clients/` as pages: bundled with the packages from npm as any application would bundle them, and
 * with the addresses of the local cloud in place of the examples. Nothing else about them is changed.
 */

import assert from 'node:assert/strict'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { serve, startDev } from './support.mjs'
import { uni, uniPage } from './uni.mjs'

const SIGNER = 'https://signer.example.com'
const BUCKET = 'https://my-bucket.oss-cn-hangzhou.aliyuncs.com'
const SCRIPT = /(<script type="module">)(.*)(<\/script>)/s

/** Gives a recipe's text. */
export function recipe(name) {
  return readFile(new URL(`clients/${name}`, import.meta.url), 'utf8')
}

/** Gives the version of an installed package; `from` is the folder in `clients/` that has its own. */
export async function version(name, from = '') {
  const places = [`clients/${from}/node_modules/`, 'node_modules/'].map((folder) => new URL(`${folder}${name}/package.json`, import.meta.url))
  const text = await readFile(places[0], 'utf8').catch(() => readFile(places[1], 'utf8'))
  return JSON.parse(text).version
}

/** How long a grant of the route `brief` is waited for: its ten seconds, and the rest of the last one. */
const BRIEF_MS = 11_000

/**
 * Starts the recipes' pages and the local cloud, with the route `photos` that the recipes name and a route `brief` with
 * the same rules, whose grants end soon: they are taken early and used late. `more` are further rules of both, and
 * `options` further options of `dev`.
 */
export async function startWorld(more = '', options = [], largest = '30MiB') {
  const folder = await mkdtemp(join(tmpdir(), 'oss-upload-clients-'))
  let dev
  const site = await servePages(() => ({ signer: dev.page.replace(/\/$/, ''), bucket: dev.oss }))
  const rules = 'dir = "photos/{uuid}/"\ntypes = ["image/*"]\nmax_size = "' + largest + '"\n' + more
  const config = join(folder, 'upload.toml')
  await writeFile(config, `origins = ["${site.origin}"]\n[routes.photos]\n${rules}[routes.brief]\n${rules}expires = "10s"\n`)
  dev = await startDev({}, ['--config', config, ...options])

  /** Makes a file on disk; a size alone makes a sparse one. */
  const onDisk = async (name, content) => {
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
  const stored = async (key, type = 'image/png') => {
    const answer = await fetch(`${dev.oss}/${key.split('/').map(encodeURIComponent).join('/')}`)
    assert.equal(answer.status, 200, key)
    assert.equal(answer.headers.get('content-type'), type)
    return Buffer.from(await answer.arrayBuffer())
  }
  /** Asks for `brief` what is asked for `photos`; gives the answer, and the moment from which its grant has ended. */
  const askBriefly = async (url, options) => {
    const answer = await fetch(url.replace('/photos', '/brief'), options)
    assert.equal(answer.status, 200)
    return { body: await answer.text(), ended: Date.now() + BRIEF_MS }
  }
  const stop = async () => {
    await site.stop()
    await dev.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { page: dev.page, oss: dev.oss, origin: site.origin, onDisk, stored, askBriefly, stop }
}

/** Lets OSS answer the first upload, and the browser never see it. */
export async function loseFirstAnswer(page, oss) {
  const wire = await page.context().newCDPSession(page)
  let lost = false
  wire.on('Fetch.requestPaused', async ({ requestId, request }) => {
    const lose = !lost && request.method === 'POST'
    lost ||= lose
    const call = lose ? ['Fetch.failRequest', { requestId, errorReason: 'ConnectionReset' }] : ['Fetch.continueResponse', { requestId }]
    await wire.send(...call).catch(() => {}) // The page may be gone by now.
  })
  await wire.send('Fetch.enable', { patterns: [{ urlPattern: `${oss}/*`, requestStage: 'Response' }] })
}

/**
 * Starts the server of the pages; `/uppy-5.html?uppy-4` is the recipe `uppy-5.html` with the packages of `uppy-4`.
 * @param {() => { signer: string, bucket: string }} addresses
 */
function servePages(addresses) {
  const pages = new Map()
  return serve(async (request, response) => {
    const { pathname, search } = new URL(request.url, SIGNER)
    if (!/\.(html|vue)$/.test(pathname)) return response.writeHead(204).end()
    if (!pages.has(request.url)) pages.set(request.url, page(pathname.slice(1), search.slice(1), addresses()))
    const html = await pages.get(request.url).catch((error) => `<script>throw Error(${JSON.stringify(error.message)})</script>`)
    response.writeHead(200, { 'content-type': 'text/html' }).end(html)
  })
}

async function page(name, packages, { signer, bucket }) {
  const local = (text) => text.replaceAll(SIGNER, signer).replaceAll(BUCKET, bucket)
  const text = local(name.endsWith('.vue') ? uniPage(name) : await recipe(name))
  const [, start, script, end] = text.match(SCRIPT)
  const bundled = await bundle(script, packages, uni(local))
  return text.replace(SCRIPT, () => start + bundled.replaceAll('</script', '<\\/script') + end)
}

async function bundle(contents, packages, plugin) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL(`clients/${packages}`, import.meta.url)) },
    bundle: true,
    format: 'esm',
    write: false,
    outdir: '/',
    logLevel: 'silent',
    external: ['http:*'],
    alias: { vue: 'vue/dist/vue.esm-bundler.js' },
    define: { 'process.env.NODE_ENV': '"production"', __VUE_OPTIONS_API__: 'true', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false' },
    plugins: [plugin],
  })
  return outputFiles.find(({ path }) => path.endsWith('.js')).text
}
