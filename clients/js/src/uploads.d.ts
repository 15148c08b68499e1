import type { Options, Stored, UploadError } from './client.js'

export type UploadStatus =
  /** It waits: six files are uploaded at a time. */
  | 'waiting'
  | 'uploading'
  /** Stopped by `pause`. `resume` goes on where it was; a file that goes as one form starts from its beginning. */
  | 'paused'
  | 'stored'
  /** Stored, but the upload callback failed: `error` has the receipt. Do not upload it again. */
  | 'unconfirmed'
  | 'failed'
  | 'cancelled'

export interface UploadItem {
  readonly id: number
  readonly file: File
  readonly status: UploadStatus
  /** Bytes sent. */
  readonly loaded: number
  /** From 0 to 1. */
  readonly progress: number
  /** After `failed` and `unconfirmed`. */
  readonly error?: UploadError
  /** After `stored`. */
  readonly result?: Stored
}

export interface UploadList {
  readonly items: readonly UploadItem[]
  /** Of all files that were not cancelled and have not failed, from 0 to 1. */
  readonly progress: number
  readonly isUploading: boolean
}

/** The options of the client, without the signal: `pause` and `cancel` are in its place. */
export interface UploadsOptions extends Omit<Options, 'signal'> {
  /** Called with each file that OSS has stored, `unconfirmed` ones too. */
  onStored?: (item: UploadItem) => void
  onFailed?: (item: UploadItem) => void
}

/** Without an id, each action is for all files that it fits. */
export interface UploadActions {
  /** Adds files and returns their ids. */
  add(files: File | Iterable<File>): number[]
  pause(id?: number): void
  resume(id?: number): void
  cancel(id?: number): void
  /** Uploads failed and cancelled files again. */
  retry(id?: number): void
  /** Removes files from the list. A running upload is cancelled; a stored file stays stored. */
  remove(id?: number): void
}

export interface Uploads extends UploadActions {
  /** Read for each file when its upload starts; may be replaced. */
  options: UploadsOptions
  /** Calls the listener after each change. Returns what ends that. */
  subscribe(listener: () => void): () => void
  /** Returns the same object until something changes. */
  getSnapshot(): UploadList
}

export function createUploads(options?: UploadsOptions): Uploads
