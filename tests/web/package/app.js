/** An application of somebody else: the client, both hooks and the element from the package, bundled together. */

import { upload } from 'oss-upload-client'
import 'oss-upload-client/element'
import { useUpload as useReactUpload } from 'oss-upload-client/react'
import { useUpload as useVueUpload } from 'oss-upload-client/vue'
import { createElement as h, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createApp, h as v, ref } from 'vue'

const endpoint = new URLSearchParams(location.search).get('signer')

window.attempt = (options) => upload(new File(['client'], 'client.txt'), options).then(({ key }) => key, ({ code, message }) => `${code}: ${message}`)

function lines(items, line) {
  return items.map(({ id, file, status, progress, error, result }) => line({ key: id, 'data-status': status, 'data-key': result?.key }, `${file.name} ${Math.round(progress * 100)} ${error?.code ?? ''}`))
}

function ReactPart() {
  const { items, isUploading, ...actions } = useReactUpload({ endpoint })
  window.react = actions
  const choose = h('input', { type: 'file', multiple: true, onChange: ({ target }) => actions.add(target.files) })
  return h('div', { id: 'react', 'data-busy': isUploading }, choose, lines(items, (props, text) => h('p', props, text)))
}

const VuePart = {
  setup() {
    const options = ref({ endpoint })
    const { items, progress, ...actions } = useVueUpload(options)
    window.vue = actions
    const choose = () => v('input', { type: 'file', multiple: true, onChange: ({ target }) => actions.add(target.files) })
    return () => v('div', { id: 'vue', 'data-progress': progress.value }, [choose(), lines(items.value, (props, text) => v('p', props, text))])
  },
}

createRoot(document.body.appendChild(document.createElement('div'))).render(h(StrictMode, null, h(ReactPart)))
createApp(VuePart).mount(document.body.appendChild(document.createElement('div')))

const element = document.createElement('oss-upload')
element.setAttribute('endpoint', endpoint)
window.events = []
for (const name of ['stored', 'unconfirmed', 'failed', 'cancelled']) {
  document.addEventListener(name, ({ detail }) => window.events.push([name, detail.file.name, detail.key ?? detail.error.code]))
}
document.body.append(element)
