/** The types of `multipart.js`, which `client.js` loads by itself. Import it for the uploads that were not finished. */

import type { Options, PartsGrant, Stored } from './client.js'

/** An upload that was not finished, as this browser remembers it until `until`. */
export interface Unfinished {
  id: string
  /** What the upload goes on with, also on another device: give it to `upload` as the option `token`. */
  token: string
  /** The name of the file. */
  name: string
  size: number
  /** Bytes that OSS has. */
  loaded: number
  /** The name that the object will have. */
  key: string
  /** Milliseconds, as `Date.now()`. */
  until: number
}

/**
 * Sends a file in parts. An unfinished upload of the same file to the same route goes on.
 * @throws {UploadError}
 */
export function send(grant: PartsGrant, options?: Options): Promise<Stored>

/**
 * Lists the uploads of this browser that were not finished: to the same `endpoint` and `route`. Call `upload` with the
 * same file and each goes on.
 */
export function unfinished(options?: Pick<Options, 'endpoint' | 'route'>): Unfinished[]

/**
 * Ends an unfinished upload, and frees what is stored of it.
 * @throws {UploadError} when the signer did not do so; the browser has forgotten the upload all the same
 */
export function discard(upload: Pick<Unfinished, 'id' | 'token'>, options?: Options): Promise<void>
