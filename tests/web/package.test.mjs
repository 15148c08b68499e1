/**
 * The npm package of `clients/js`, as others get it: packed, put into a project, loaded by plain Node and by Jest,
 * bundled by Vite and by webpack, and driven in Chromium.
 */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build as bundle } from 'esbuild'
import { installPackage, openBrowser, ROOT, serveFiles, startDev, witness } from './support.mjs'

const run = promisify(execFile)
const MODULES = fileURLToPath(new URL('node_modules', import.meta.url))
const LIMIT_MS = 120_000
const ENTRIES = ['', '/uploads', '/react', '/vue', '/element', '/multipart']
const PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>An application</title><link rel="icon" href="data:,"><body>'

let project, dev, browser

before(async () => {
  project = await mkdtemp(join(tmpdir(), 'oss-upload-package-'))
  await installPackage(project)
  for (const name of ['react', 'react-dom', 'vue']) await symlink(join(MODULES, name), join(project, 'node_modules', name))
  await cp(fileURLToPath(new URL('package', import.meta.url)), project, { recursive: true })
  await writeFile(join(project, 'package.json'), '{ "name": "project", "private": true }')
  dev = await startDev({ UPLOAD_MAX_SIZE: '30MiB' })
  browser = await openBrowser()
})

after(async () => {
  await browser?.close()
  await dev?.stop()
  await rm(project, { recursive: true, force: true })
})

/** Runs a program of `node_modules` in the project. */
function tool(script, ...args) {
  return run(process.execPath, [join(MODULES, script), ...args], { cwd: project, timeout: LIMIT_MS })
}

async function stored(key) {
  const answer = await fetch(`${dev.oss}/${key.split('/').map(encodeURIComponent).join('/')}`)
  assert.equal(answer.status, 200, key)
  return answer.text()
}

test('the package, the client and the function have one version', async () => {
  const [, version] = (await readFile(join(ROOT, 'Cargo.toml'), 'utf8')).match(/^version = "(.*)"/m)
  const manifest = JSON.parse(await readFile(join(project, 'node_modules/oss-upload-client/package.json'), 'utf8'))
  assert.equal(manifest.version, version)
  assert.match(await (await fetch(`${dev.page}client.js`)).text(), new RegExp(`^/\\*\\*\\n \\* oss-upload-client ${version}:`))
  for (const name of ['client.js', 'client.cjs', 'element.js']) {
    assert.ok((await readFile(join(project, 'node_modules/oss-upload-client/dist', name), 'utf8')).startsWith(`/*! oss-upload-client ${version}, ${manifest.license} */`), name)
  }
})

test('plain Node imports and requires every entry, and gets a grant', async () => {
  const script = (load) => `
    ${ENTRIES.map((entry, index) => load(`e${index}`, `oss-upload-client${entry}`)).join('\n')}
    const file = new File(['a'], 'a.txt')
    const use = async () => {
      const missing = await e0.grant(file).catch((error) => error.code + ' ' + error.message)
      const { key } = await e0.grant(file, { endpoint: '${dev.page}' })
      console.log(JSON.stringify([missing, key.endsWith('a.txt'), typeof e1.createUploads, typeof e2.useUpload, typeof e3.useUpload, typeof e4.OssUpload, typeof e5.unfinished]))
    }
    use()`
  await writeFile(join(project, 'esm.mjs'), script((name, from) => `import * as ${name} from '${from}'`))
  await writeFile(join(project, 'cjs.cjs'), script((name, from) => `const ${name} = require('${from}')`))
  for (const name of ['esm.mjs', 'cjs.cjs']) {
    const { stdout } = await run(process.execPath, [name], { cwd: project, timeout: LIMIT_MS })
    assert.deepEqual(JSON.parse(stdout), ['endpoint_missing No signer: set `endpoint` to its address.', true, 'function', 'function', 'function', 'function', 'function'], name)
  }
})

test('a server renders the components of an application without uploading', async () => {
  await writeFile(join(project, 'server.mjs'), `
    import { createElement as h } from 'react'
    import { renderToString } from 'react-dom/server'
    import { createSSRApp, h as v } from 'vue'
    import { useUpload as useReactUpload } from 'oss-upload-client/react'
    import { useUpload as useVueUpload } from 'oss-upload-client/vue'
    const { renderToString: renderVue } = await import('${join(MODULES, '@vue/server-renderer/index.js')}')
    console.log(renderToString(h(() => h('p', null, 'items ' + useReactUpload().items.length))))
    console.log(await renderVue(createSSRApp({ setup() { const { items } = useVueUpload(); return () => v('p', 'items ' + items.value.length) } })))`)
  const { stdout } = await run(process.execPath, ['server.mjs'], { cwd: project, timeout: LIMIT_MS })
  assert.equal(stdout, '<p>items 0</p>\n<p>items 0</p>\n')
})

for (const [module, moduleResolution] of [['esnext', 'bundler'], ['nodenext', 'nodenext']]) {
  test(`the types fit under strict with the resolution of ${moduleResolution}`, async () => {
    const options = { module, moduleResolution, target: 'es2022', lib: ['es2022', 'dom', 'dom.iterable', 'esnext.disposable'], types: [], strict: true, noEmit: true, skipLibCheck: false }
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['types.ts'] }))
    await tool('typescript/bin/tsc').catch(({ stdout }) => assert.fail(stdout))
  })
}

test('Jest runs it with its defaults', async () => {
  await rename(join(project, 'jest.js'), join(project, 'jest.test.js')) // Here its name would make Node run it.
  await writeFile(join(project, 'jest.config.json'), JSON.stringify({ rootDir: project, watchman: false }))
  await tool('jest/bin/jest.js', '--config', 'jest.config.json').catch(({ stderr }) => assert.fail(stderr))
})

const BUNDLERS = {
  async 'Vite 7'() {
    await writeFile(join(project, 'index.html'), `${PAGE}<script type="module" src="/app.js"></script>`)
    const { build } = await import('vite')
    await build({ root: project, logLevel: 'error', build: { outDir: 'vite', minify: false } })
    return 'vite'
  },
  async 'webpack 5'() {
    const { default: webpack } = await import('webpack')
    const options = { mode: 'production', context: project, entry: './app.js', output: { path: join(project, 'webpack'), filename: 'app.js' }, performance: false, optimization: { minimize: false } }
    const stats = await promisify(webpack)(options)
    assert.equal(stats.hasErrors() || stats.hasWarnings(), false, stats.toString('errors-warnings'))
    await writeFile(join(project, 'webpack/index.html'), `${PAGE}<script src="/app.js"></script>`)
    return 'webpack'
  },
}

for (const [name, build] of Object.entries(BUNDLERS)) {
  test(`an application that ${name} bundled uploads with the client, both hooks and the element`, async () => {
    const folder = await build()
    const site = await serveFiles(join(project, folder))
    const page = await browser.newPage({ locale: 'zh-CN', reducedMotion: 'reduce' })
    const { assertClean } = await witness(page)
    try {
      await page.goto(`${site.origin}/?signer=${encodeURIComponent(dev.page)}`)
      await useClient(page, site.origin)
      await useHook(page, '#react')
      await useHook(page, '#vue')
      await useElement(page)
      assertClean({ allowFailedLoads: true })
    } finally {
      await page.close()
      await site.stop()
    }
  })
}

async function useClient(page, origin) {
  assert.equal(await stored(await page.evaluate((endpoint) => window.attempt({ endpoint }), dev.page)), 'client')
  assert.equal(await page.evaluate(() => window.attempt()), 'endpoint_missing: No signer: set `endpoint` to its address.')
  assert.equal(await page.evaluate(() => window.attempt({ endpoint: location.origin })), `bad_answer: No signer at ${origin}/uploads: set \`endpoint\`.`)
}

function file(name, content) {
  return { name, mimeType: 'text/plain', buffer: Buffer.from(content) }
}

async function useHook(page, root) {
  const line = (name, status) => page.locator(`${root} p[data-status=${status}]`, { hasText: name })
  await page.setInputFiles(`${root} input`, [file('照片.txt', root), file('empty.txt', '')])
  await line('照片.txt', 'stored').waitFor()
  await line('empty.txt', 'failed').getByText('file_too_small').waitFor()
  assert.equal(await stored(await line('照片.txt', 'stored').getAttribute('data-key')), root)

  const act = (action) => page.evaluate(([name, action]) => window[name][action](), [root.slice(1), action])
  let held = true
  await page.route(`${dev.oss}/**`, (route) => (held ? undefined : route.continue()))
  await page.setInputFiles(`${root} input`, [file('later.txt', 'later')])
  await line('later.txt', 'uploading').waitFor()
  await act('pause')
  await line('later.txt', 'paused').waitFor()
  await act('resume')
  await line('later.txt', 'uploading').waitFor()
  await act('cancel')
  await line('later.txt', 'cancelled').waitFor()
  held = false
  await act('retry')
  await line('later.txt', 'stored').waitFor()
  assert.equal(await stored(await line('later.txt', 'stored').getAttribute('data-key')), 'later')
  await act('remove')
  await page.waitForFunction((root) => !document.querySelector(`${root} p`), root)
  await page.unroute(`${dev.oss}/**`)
}

async function useElement(page) {
  const element = page.locator('oss-upload')
  await element.getByText('Choose files').waitFor() // The page says that it is in English; the browser prefers Chinese.
  await element.getByText('or drop them here').waitFor()
  await element.getByText('up to 30').waitFor()
  await element.locator('#files').setInputFiles([file('element.txt', 'element'), file('empty.txt', '')])
  await element.locator('.row[data-state=done]').waitFor()
  await element.getByText('The file is empty.').waitFor()
  await page.waitForFunction(() => window.events.length === 2)
  const events = (await page.evaluate(() => window.events)).toSorted()
  assert.deepEqual([events[0], events[1].slice(0, 2)], [['failed', 'empty.txt', 'file_too_small'], ['stored', 'element.txt']])
  assert.equal(await stored(events[1][2]), 'element')

  const looks = (property) => element.locator('#choose').evaluate((button, property) => getComputedStyle(button)[property], property)
  await page.evaluate(() => document.querySelector('oss-upload').style.setProperty('--oss-upload-accent', 'rgb(120, 30, 90)'))
  await page.waitForFunction(() => getComputedStyle(document.querySelector('oss-upload').shadowRoot.getElementById('choose')).backgroundColor === 'rgb(120, 30, 90)')
  await page.evaluate(() => (document.documentElement.style.colorScheme = 'dark'))
  await page.waitForFunction(() => getComputedStyle(document.querySelector('oss-upload')).backgroundColor === 'rgb(20, 23, 26)')
  assert.equal(await looks('color'), 'rgb(11, 32, 29)')

  await page.evaluate(() => document.querySelector('oss-upload').setAttribute('route', 'nobody'))
  await element.getByText('This upload address does not exist.').waitFor()
  assert.ok(await element.locator('#choose').isHidden())
  await page.evaluate(() => {
    const chinese = document.createElement('oss-upload')
    chinese.lang = 'zh-CN'
    chinese.id = 'chinese'
    document.body.append(chinese)
  })
  await page.locator('#chinese').getByText('选择文件').waitFor()
}

for (const [entry, budget] of [['', 2050], ['/react', 2900], ['/vue', 3000], ['/element', 15_800], ['/multipart', 5600]]) {
  test(`oss-upload-client${entry} weighs at most ${budget} bytes in a bundle, without what it loads later`, async (t) => {
    const contents = `export * from 'oss-upload-client${entry}'`
    const options = { bundle: true, splitting: true, outdir: join(project, 'weight'), metafile: true, minify: true, format: 'esm', external: ['react', 'vue'], write: false, legalComments: 'none' }
    const { outputFiles, metafile } = await bundle({ stdin: { contents, resolveDir: project }, ...options })
    const outputs = Object.entries(metafile.outputs)
    const [first] = outputs.find(([, { entryPoint }]) => entryPoint === '<stdin>')
    const needed = new Set([first])
    for (const name of needed) metafile.outputs[name].imports.filter(({ kind, external }) => kind === 'import-statement' && !external).forEach(({ path }) => needed.add(path))
    const texts = outputFiles.filter(({ path }) => [...needed].some((name) => path.endsWith(name.split('/').at(-1)))).map(({ text }) => text)
    assert.equal(texts.length, needed.size)
    const weight = gzipSync(texts.join(''), { level: 9 }).length
    t.diagnostic(`${weight} bytes`)
    assert.ok(weight <= budget, `${weight} bytes`)
    if (entry !== '/multipart') assert.ok(!texts.some((text) => text.includes('multipart/complete')), 'what large files need is loaded at once')
  })
}
