/**
 * A list of uploads for a user interface: several files, at most six at a time, each with its status and progress. The
 * hooks for React and Vue are made of it; it depends on no framework.
 *
 * @import * as types from './uploads.js'
 */

import { upload } from './client.js'

/** As many connections as browsers open to one host. */
const AT_ONCE = 6

const isBusy = ({ status }) => status === 'waiting' || status === 'uploading'
const isStored = ({ status }) => status === 'stored' || status === 'unconfirmed'

let lastId = 0

/** @type {typeof types.createUploads} */
export function createUploads(options = {}) {
  const listeners = new Set()
  /** @type {Map<number, AbortController>} */
  const running = new Map()
  let snapshot = summary([])

  function publish(items) {
    snapshot = summary(items)
    for (const listener of listeners) listener()
  }

  function change(id, known) {
    publish(snapshot.items.map((item) => (item.id === id ? { ...item, ...known } : item)))
  }

  /** The items with this id, or all. */
  const chosen = (id) => snapshot.items.filter((item) => id === undefined || item.id === id)

  /** Ends running requests, and moves busy items to another status. */
  function stop(id, status) {
    for (const item of chosen(id).filter((item) => isBusy(item) || (status === 'cancelled' && item.status === 'paused'))) {
      change(item.id, { status })
      running.get(item.id)?.abort()
      running.delete(item.id)
    }
    fill()
  }

  function restart(id, from) {
    for (const item of chosen(id).filter(({ status }) => from.includes(status))) {
      change(item.id, { status: 'waiting', loaded: 0, progress: 0, error: undefined })
    }
    fill()
  }

  /** Starts waiting files while there are fewer than six under way. */
  function fill() {
    const waiting = snapshot.items.filter(({ status }) => status === 'waiting')
    for (const item of waiting.slice(0, Math.max(0, AT_ONCE - running.size))) run(item)
  }

  async function run({ id, file }) {
    const controller = new AbortController()
    running.set(id, controller)
    change(id, { status: 'uploading' })
    const onProgress = ({ loaded, total }) => {
      if (running.get(id) === controller) change(id, { loaded, progress: total ? loaded / total : 1 })
      store.options.onProgress?.({ loaded, total })
    }
    const outcome = await upload(file, { ...store.options, onProgress, signal: controller.signal }).then(
      (result) => ({ status: 'stored', result, progress: 1, loaded: file.size }),
      (error) => ({ status: error.code === 'callback_failed' ? 'unconfirmed' : 'failed', error }),
    )
    if (running.get(id) !== controller) return // Paused, cancelled or removed meanwhile.
    running.delete(id)
    change(id, outcome)
    fill()
    const item = snapshot.items.find((item) => item.id === id)
    if (outcome.status === 'failed') store.options.onFailed?.(item)
    else store.options.onStored?.(item)
  }

  const store = {
    options,
    getSnapshot: () => snapshot,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    add(files) {
      const items = Array.from(files instanceof Blob ? [files] : files, (file) => ({ id: ++lastId, file, status: 'waiting', loaded: 0, progress: 0 }))
      publish([...snapshot.items, ...items])
      fill()
      return items.map(({ id }) => id)
    },
    pause: (id) => stop(id, 'paused'),
    resume: (id) => restart(id, ['paused']),
    cancel: (id) => stop(id, 'cancelled'),
    retry: (id) => restart(id, ['failed', 'cancelled']),
    remove(id) {
      store.cancel(id)
      const gone = chosen(id)
      publish(snapshot.items.filter((item) => !gone.includes(item)))
    },
  }
  return store
}

/** Adds to a list of items what a user interface shows of the whole list. */
function summary(items) {
  const counted = items.filter((item) => isBusy(item) || isStored(item) || item.status === 'paused')
  const total = counted.reduce((sum, { file }) => sum + file.size, 0)
  const loaded = counted.reduce((sum, item) => sum + (isStored(item) ? item.file.size : item.loaded), 0)
  return { items, isUploading: items.some(isBusy), progress: total ? loaded / total : Number(counted.length > 0 && counted.every(isStored)) }
}
