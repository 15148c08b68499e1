/**
 * uview-plus outside of uni-app: what uni-app's own build does for the web, as far as the upload component needs it, and
 * the few calls of `uni` that it makes, with plain means of the browser. The component itself is the package's, untouched.
 */

import { readFile } from 'node:fs/promises'
import { compileScript, compileTemplate, parse, rewriteDefault } from 'vue/compiler-sfc'

const PLATFORM = ['H5', 'WEB', 'VUE3']

/** A page that mounts a recipe; uni-app finds the component by its name, plain Vue needs it registered. */
export const uniPage = (name) => `<!doctype html>
<meta charset="utf-8">
<input type="file" id="album">
<div id="app"></div>
<script>(${standIn})()</script>
<script type="module">
  import { createApp } from 'vue'
  import Upload from 'uview-plus/components/u-upload/u-upload.vue'
  import Recipe from './${name}'

  createApp(Recipe).component('UpUpload', Upload).mount('#app')
</script>
`

/** Compiles components, and leaves out what is meant for other platforms. */
export function uni(rewrite) {
  const source = async (path) => forPlatform(rewrite(await readFile(path, 'utf8')))
  return {
    name: 'uni',
    setup(build) {
      build.onLoad({ filter: /uview-plus.*\.js$/ }, async ({ path }) => ({ contents: await source(path) }))
      build.onLoad({ filter: /\.vue$/ }, async ({ path }) => ({ contents: component(await source(path), path) }))
    },
  }
}

/** Follows the comments `#ifdef A || B`, `#ifndef` and `#endif`. */
function forPlatform(text) {
  const open = []
  return text
    .split('\n')
    .filter((line) => {
      const [, word, names] = line.match(/(?:\/\/|\/\*|<!--)\s*#(ifdef|ifndef|endif)\s*([^*>-]*)/) ?? []
      if (word === 'endif') open.pop()
      else if (word) open.push(names.split('||').some((name) => PLATFORM.includes(name.trim())) === (word === 'ifdef'))
      return !word && open.every(Boolean)
    })
    .join('\n')
}

function component(text, filename) {
  const { descriptor } = parse(text, { filename })
  const script = compileScript(descriptor, { id: filename })
  // A tap is a click here.
  const source = descriptor.template.content.replaceAll('@tap', '@click')
  const { code } = compileTemplate({ source, filename, id: filename, compilerOptions: { bindingMetadata: script.bindings } })
  return `${rewriteDefault(script.content, 'component')}\n${code}\nexport default { ...component, render }`
}

/** Runs in the page. As uni-app on the web: the form's fields before the file, any status is a success. */
function standIn() {
  const refused = (line) => console.log('failed', line)
  window.uni = {
    getSystemInfoSync: () => ({ platform: 'web', windowWidth: 800, windowHeight: 600 }),
    getStorageSync: () => '',
    setStorageSync() {},
    getLocale: () => 'en',
    onLocaleChange() {},
    $on() {},
    $off() {},
    $emit() {},
    showToast: ({ title }) => refused(title),
    chooseImage({ success }) {
      const input = document.querySelector('#album')
      const tempFiles = [...input.files].map((file) => Object.assign(file, { path: URL.createObjectURL(file) }))
      success({ tempFiles, tempFilePaths: tempFiles.map(({ path }) => path) })
    },
    async request({ url, method, data }) {
      const answer = await fetch(`${url}?${new URLSearchParams(data)}`, { method })
      return { statusCode: answer.status, data: await answer.json() }
    },
    uploadFile({ url, filePath, name, formData, success }) {
      const request = new XMLHttpRequest()
      const task = { onProgressUpdate: (listen) => (request.upload.onprogress = ({ loaded, total }) => listen({ progress: Math.round((100 * loaded) / total) })) }
      request.open('POST', url)
      request.onload = () => success({ statusCode: request.status, data: request.responseText })
      fetch(filePath).then(async (file) => {
        const form = new FormData()
        for (const [field, value] of Object.entries(formData)) form.append(field, value)
        form.append(name, await file.blob(), 'file')
        request.send(form)
      })
      return task
    },
  }
}
