/**
 * Uploads in Vue: the list of files as reactive state.
 *
 * @import * as types from './vue.js'
 */

import { computed, getCurrentScope, onScopeDispose, shallowRef, toValue } from 'vue'
import { createUploads } from './uploads.js'

/** @type {typeof types.useUpload} */
export function useUpload(options = {}) {
  const uploads = createUploads()
  Object.defineProperty(uploads, 'options', { get: () => toValue(options) })
  const list = shallowRef(uploads.getSnapshot())
  uploads.subscribe(() => (list.value = uploads.getSnapshot()))
  if (getCurrentScope()) onScopeDispose(() => uploads.cancel())
  const { add, pause, resume, cancel, retry, remove } = uploads
  const part = (name) => computed(() => list.value[name])
  return { items: part('items'), progress: part('progress'), isUploading: part('isUploading'), add, pause, resume, cancel, retry, remove }
}
