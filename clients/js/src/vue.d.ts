import type { ComputedRef, MaybeRefOrGetter } from 'vue'
import type { UploadActions, UploadItem, UploadsOptions } from './uploads.js'

export type { UploadActions, UploadItem, UploadList, UploadsOptions, UploadStatus } from './uploads.js'

export interface ReactiveUploads extends UploadActions {
  readonly items: ComputedRef<readonly UploadItem[]>
  /** Of all files that were not cancelled and have not failed, from 0 to 1. */
  readonly progress: ComputedRef<number>
  readonly isUploading: ComputedRef<boolean>
}

/** Uploads files as reactive state. Uploads that run are cancelled with the scope, as when the component is unmounted. */
export function useUpload(options?: MaybeRefOrGetter<UploadsOptions>): ReactiveUploads
