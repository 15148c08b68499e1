/**
 * Builds the package from the sources that the function serves (`src/http/web`) and the files beside this one: each
 * entry as an ES module and as CommonJS. `npm pack` runs it.
 */

import assert from 'node:assert/strict'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

// A CommonJS look-up, so that NODE_PATH can name another folder with esbuild.
const { build } = createRequire(import.meta.url)('esbuild')

const file = (path) => fileURLToPath(new URL(path, import.meta.url))
const WEB = file('../../src/http/web/')
const ENTRIES = {
  client: `${WEB}client.js`,
  multipart: `${WEB}multipart.js`,
  uploads: file('src/uploads.js'),
  react: file('src/react.js'),
  vue: file('src/vue.js'),
  element: file('src/element.js'),
}

const { version, license } = JSON.parse(await readFile(file('package.json'), 'utf8'))
const client = await readFile(ENTRIES.client, 'utf8')
assert.ok(client.includes(`oss-upload-client ${version}:`), 'client.js and package.json name different versions')

/** Puts a text in the place of exactly one other. */
function replace(text, from, to) {
  assert.equal(text.split(from).length, 2, `not exactly once: ${from}`)
  return text.replace(from, () => to)
}

/** In a bundle the module's own address says nothing of the signer, so `endpoint` has to be set. */
function withoutDefault(text) {
  const missing = `
function noEndpoint() {
  throw new UploadError('No signer: set \`endpoint\` to its address.', { code: 'endpoint_missing' })
}
`
  return replace(text, "new URL('.', import.meta.url)", 'noEndpoint()') + missing
}

/** The picker, the list and the row of the page. */
async function markup() {
  const html = await readFile(`${WEB}page.html`, 'utf8')
  const part = (from, to) => html.slice(html.indexOf(from), html.indexOf(to, html.indexOf(from)) + to.length)
  const news = part('<p id="news"', '</p>')
  const sections = part('<section id="picker">', '</section>') + part('<section id="queue"', '</section>')
  return (sections + news + part('<template id="row">', '</template>')).replace(/>\s+</g, '><')
}

/** The style of the page with each colour and font as `--oss-upload-…`, light or dark as the page around it. */
async function style() {
  const css = await readFile(`${WEB}page.css`, 'utf8')
  const [light, dark] = [...css.matchAll(/:root \{([^}]*)\}/g)].map(([, block]) => new Map([...block.matchAll(/--([\w-]+): ([^;]*);/g)].map(([, name, value]) => [name, value])))
  assert.ok(dark.size > 5 && [...dark.keys()].every((name) => light.has(name)), 'page.css has another form')
  const themed = [...light].map(([name, value]) => `--${name}: var(--oss-upload-${name}, ${dark.has(name) ? `light-dark(${value}, ${dark.get(name)})` : value});`)
  const rest = css.slice(css.indexOf('*,\n*::before'))
  return `:host{${themed.join('')}}${rest}${await readFile(file('src/element.css'), 'utf8')}`.replace(/\/\*.*?\*\//gs, '').replace(/\s+/g, ' ')
}

/** Keeps the entries apart: each imports the client, and the client what large files need, from the file beside it. */
function siblings(extension) {
  return {
    name: 'siblings',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /\/(client|multipart|uploads)\.js$/ }, ({ path, kind }) => (kind === 'entry-point' ? null : { path: `./${path.split('/').at(-1).replace(/\.js$/, extension)}`, external: true }))
      onResolve({ filter: /^page:/ }, ({ path }) => ({ path, namespace: 'page' }))
      onLoad({ filter: /^page:/, namespace: 'page' }, async ({ path }) => ({ contents: await (path === 'page:style' ? style() : markup()), loader: 'text' }))
      onLoad({ filter: /\/web\/client\.js$/ }, () => ({ contents: withoutDefault(client), loader: 'js' }))
    },
  }
}

await rm(file('dist'), { recursive: true, force: true })
await mkdir(file('dist'))
for (const [format, extension] of [['esm', '.js'], ['cjs', '.cjs']]) {
  await build({
    entryPoints: ENTRIES,
    outdir: file('dist'),
    outExtension: { '.js': extension },
    bundle: true,
    format,
    target: 'es2022',
    charset: 'utf8',
    external: ['react', 'vue'],
    supported: { 'dynamic-import': format === 'esm' }, // Jest requires; it cannot import.
    banner: { js: `/*! oss-upload-client ${version}, ${license} */` },
    plugins: [siblings(extension)],
    logLevel: 'warning',
  })
}
for (const name of Object.keys(ENTRIES)) {
  const types = await readFile(name === 'client' || name === 'multipart' ? `${WEB}${name}.d.ts` : file(`src/${name}.d.ts`), 'utf8')
  await writeFile(file(`dist/${name}.d.ts`), types)
  await writeFile(file(`dist/${name}.d.cts`), types.replace(/(from '\.\/\w+)\.js'/g, "$1.cjs'"))
}
await copyFile(file('../../LICENSE'), file('dist/LICENSE'))
