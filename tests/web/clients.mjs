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
import { ROOT, serve, startDev, witness } from './support.mjs'
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

/** How long a page may take to open: it is bundled then, and some packages have thousands of files. */
const BUNDLING_MS = 120_000

/**
 * Starts the recipes' pages and the local cloud, with the route `photos` that the recipes name and a route `brief` with
 * the same rules, whose grants end soon: they are taken early and used late. `more` are further rules of both, `options`
 * further options of `dev`, `largest` the size of the largest file, and `routes` further routes, each with its own rules.
 */
export async function startWorld(more = '', options = [], { largest = '30MiB', routes = '' } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'oss-upload-clients-'))
  let dev
  const site = await servePages(() => ({ signer: dev.page.replace(/\/$/, ''), bucket: dev.oss }))
  const rules = 'dir = "photos/{uuid}/"\ntypes = ["image/*"]\nmax_size = "' + largest + '"\n' + more
  const config = join(folder, 'upload.toml')
  await writeFile(config, `origins = ["${site.origin}"]\n[routes.photos]\n${rules}[routes.brief]\n${rules}expires = "10s"\n${routes}`)
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

/**
 * Opens a recipe as a page. `choose` gives it files and returns the line that it logs for each; `outcomes` returns the
 * next lines after another act of the user. `posted` are the forms that it sent to OSS.
 * @param {(page: import('playwright-core').Page, files: any) => Promise<void>} [pick] how a user of the component chooses
 */
export async function openRecipe(browser, world, path, pick = (page, files) => page.locator('input[type=file]').first().setInputFiles(files)) {
  const page = await browser.newPage()
  const { assertClean } = await witness(page)
  const lines = []
  page.on('console', (message) => /^(stored|failed) /.test(message.text()) && lines.push(message.text()))
  const posted = []
  page.on('request', (request) => request.method() === 'POST' && request.url().startsWith(world.oss) && posted.push(request))
  await page.goto(`${world.origin}/${path}`, { timeout: BUNDLING_MS })
  const outcomes = async (count, act) => {
    const after = lines.length + count
    await act()
    while (lines.length < after) await page.waitForEvent('console')
    return lines.slice(after - count, after)
  }
  const choose = (files) => outcomes([files].flat().length, () => pick(page, files))
  return { page, pick, choose, outcomes, posted, assertClean }
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
  const { js, css } = await bundle(script, packages, uni(local))
  return `${text.replace(SCRIPT, () => start + js.replaceAll('</script', '<\\/script') + end)}<style>${css}</style>`
}

/** Bundles a script with the packages of a folder in `clients/`. */
export async function bundle(contents, packages = '', ...plugins) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL(`clients/${packages}`, import.meta.url)) },
    bundle: true,
    format: 'esm',
    write: false,
    outdir: '/',
    logLevel: 'silent',
    external: ['http:*'],
    nodePaths: [fileURLToPath(new URL('node_modules', import.meta.url))],
    loader: Object.fromEntries(['.woff', '.woff2', '.ttf', '.eot', '.svg', '.gif', '.png'].map((extension) => [extension, 'dataurl'])),
    // The builds that compile the template in the page.
    alias: { vue: packages === 'element-ui' ? fileURLToPath(new URL('clients/element-ui/node_modules/vue/dist/vue.esm.js', import.meta.url)) : 'vue/dist/vue.esm-bundler.js' },
    define: { 'process.env.NODE_ENV': '"production"', __VUE_OPTIONS_API__: 'true', __VUE_PROD_DEVTOOLS__: 'false', __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false' },
    plugins: [...plugins, ownPackage],
  })
  const text = (extension) => outputFiles.find(({ path }) => path.endsWith(extension))?.text ?? ''
  return { js: text('.js'), css: text('.css') }
}

/** Finds the npm package of this repository, which `package.test.mjs` tests as others get it, in its sources. */
const ownPackage = {
  name: 'own-package',
  setup({ onResolve }) {
    onResolve({ filter: /^oss-upload-client\// }, ({ path }) => ({ path: `${ROOT}clients/js/src${path.slice(path.indexOf('/'))}.js` }))
    onResolve({ filter: /^\.\/client\.js$/ }, () => ({ path: `${ROOT}src/http/web/client.js` }))
  },
}
