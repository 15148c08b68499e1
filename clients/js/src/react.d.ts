import type { UploadActions, UploadList, UploadsOptions } from './uploads.js'

export type { UploadActions, UploadItem, UploadList, UploadsOptions, UploadStatus } from './uploads.js'

/** Uploads files as state of a component. Uploads that run are cancelled when the component is unmounted. */
export function useUpload(options?: UploadsOptions): UploadList & UploadActions
