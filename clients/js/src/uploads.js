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
  /** The uploads that have begun and not ended, paused ones too. @type {Map<number, import('./client.js').Task>} */
  const tasks = new Map()
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
      const task = tasks.get(item.id)
      if (status === 'paused') task?.pause()
      else tasks.delete(item.id) && task?.abort()
    }
    fill()
  }

  function restart(id, from) {
    for (const item of chosen(id).filter(({ status }) => from.includes(status))) {
      change(item.id, { status: 'waiting', error: undefined, ...(!tasks.has(item.id) && { loaded: 0, progress: 0 }) })
    }
    fill()
  }

  /** Starts waiting files while there are fewer than six under way. */
  function fill() {
    const having = (wanted) => snapshot.items.filter(({ status }) => status === wanted)
    const free = AT_ONCE - having('uploading').length
    for (const item of having('waiting').slice(0, Math.max(0, free))) run(item)
  }

  async function run({ id, file }) {
    change(id, { status: 'uploading' })
    if (tasks.has(id)) return tasks.get(id).resume()
    const onProgress = ({ loaded, total }) => {
      if (tasks.get(id) === task) change(id, { loaded, progress: total ? loaded / total : 1 })
      store.options.onProgress?.({ loaded, total })
    }
    const task = upload(file, { ...store.options, onProgress })
    tasks.set(id, task)
    const outcome = await task.then(
      (result) => ({ status: 'stored', result, progress: 1, loaded: file.size }),
      (error) => ({ status: error.code === 'callback_failed' ? 'unconfirmed' : 'failed', error }),
    )
    if (tasks.get(id) !== task) return // Cancelled or removed meanwhile.
    tasks.delete(id)
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
