/**
 * Uploads in React: the list of files as state of a component.
 *
 * @import * as types from './react.js'
 */

import { useEffect, useState, useSyncExternalStore } from 'react'
import { createUploads } from './uploads.js'

/** @type {typeof types.useUpload} */
export function useUpload(options = {}) {
  const [uploads] = useState(() => createUploads(options))
  useEffect(() => {
    uploads.options = options
  })
  useEffect(() => () => uploads.cancel(), [uploads])
  const list = useSyncExternalStore(uploads.subscribe, uploads.getSnapshot, uploads.getSnapshot)
  const { add, pause, resume, cancel, retry, remove } = uploads
  return { ...list, add, pause, resume, cancel, retry, remove }
}
