/** The types of `client.js`. Take both files from the same version. */

/** The permission to post one file. OSS accepts it until `expires_at`. */
export interface Grant {
  method: 'POST'
  /** The address that the form is posted to. */
  url: string
  /** The fields of the form. The file is appended after them. */
  fields: Record<string, string>
  /** The name of the object in the bucket. */
  key: string
  /** No other grant has this key: an object that already has it comes from an earlier try with this grant. */
  unique: boolean
  /** A UTC time such as `2026-11-21T10:10:00Z`. */
  expires_at: string
  /** The file that the grant was signed for, and that `send` posts. Add it to a grant that came another way. */
  file: File
}

/** The answer of the signer for a file that goes in parts: `send` gets the rest. Only `upload` asks for it. */
export interface PartsGrant {
  method: 'MULTIPART'
  file: File
}

export interface Stored {
  /** The name of the object in the bucket. */
  key: string
  /** The address of the object. Only a public object can be read there. */
  url: string
  /** Where the route has an upload callback: the receipt, which proves to the back end what was granted. */
  receipt?: string
  /** The JSON that the upload callback answered. Missing where the answer of an earlier try was lost. */
  result?: any
  /** Of a file that went in parts: the checksum of the object, CRC-64/XZ as a decimal number. */
  crc64?: string
  /** Of a file that went in parts. */
  etag?: string
}

/** An upload that runs: a promise, and what controls it. */
export interface Task extends Promise<Stored> {
  /** Ends the requests that run. The parts that OSS has are kept; a file that goes as one form starts again. */
  pause(): void
  resume(): void
  /** Ends the upload with the code `aborted`, and frees the parts that OSS has. */
  abort(): void
}

/** What an upload in parts goes on with: after a reload, or on another device until `resumeUntil`. */
export interface UploadToken {
  token: string
  /** The name that the object will have. */
  key: string
  /** A UTC time. */
  resumeUntil: string
}

/** Bytes of the file. Within one upload `loaded` never falls, also when a further try starts again. */
export interface Progress {
  loaded: number
  total: number
}

export interface Retry {
  /** The failure of the last try. */
  error: UploadError
  /** Seconds until the next try. */
  wait: number
}

/** Such as `{ authorization: 'Bearer …' }`. */
export type RequestHeaders = Record<string, string>

export interface Options {
  /** The address of the signer. By default the address that `client.js` was loaded from. */
  endpoint?: string | URL
  /** The name of the route; `default` by default. */
  route?: string
  /** Metadata of the object, where the route accepts it. */
  metadata?: Record<string, string>
  /** Sent to the signer only, never to OSS. A function is called before each try. */
  headers?: RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>)
  onProgress?: (progress: Progress) => void
  /** Called after each failure that is followed by another try. */
  onRetry?: (retry: Retry) => void
  /** The number of tries of a request that gets no answer, 408, 429 or 5xx; 4 by default, 8 for parts. */
  tries?: number
  /** Ends the upload as `abort()` of its task does. */
  signal?: AbortSignal
  /** Of a file that goes in parts: the checksums of all parts and of the whole are compared with those of OSS. */
  checksum?: boolean
  /** Called when a file begins to go in parts, or goes on. */
  onToken?: (token: UploadToken) => void
  /** From `onToken` on another device: the upload goes on here with the same file, and `checksum` is on. */
  token?: string
  /** @internal Set by `upload` alone, as the two below: the file may go in parts. */
  multipart?: boolean
  /** @internal The end of the last pause. */
  held?: Promise<void>
  /** @internal While the upload is paused: ends the pause. */
  go?: (() => void) | void
}

/** The limits of a route. They are part of the error when a file is refused. */
export interface Limits {
  min_size: number
  max_size: number
  /** Such as `image/png` or `image/*`; empty accepts all. */
  types: string[]
  /** Without a dot; empty accepts all. */
  extensions: string[]
  /** The largest number of files in one call. */
  max_files: number
}

/** What `GET /routes/{name}` answers. */
export interface RouteDescription extends Limits {
  name: string
  /** Seconds. A grant ends earlier when its credentials do. */
  expires_in: number
  /** For `<input type="file" accept>`. */
  accept: string
  metadata: { name: string; required: boolean; pattern?: string }[]
  /** The route has an upload callback. */
  callback: boolean
  /** The credentials of which a caller has to present one; empty needs none. */
  auth: ('jwt' | 'ticket')[]
  /** Everyone may read what is stored, so `Stored.url` works as a link. */
  public_read: boolean
}

export type ClientCode =
  /** The signal was aborted. */
  | 'aborted'
  /** There was no answer, or CORS hides it. OSS may have stored the file. */
  | 'network'
  /** The signer answers, but not to this page: its setting `UPLOAD_ORIGINS` does not list the page's origin. */
  | 'origin_not_allowed'
  /** The answer is neither the signer's nor OSS's. Often `endpoint` is missing or wrong. */
  | 'bad_answer'
  /** The file has changed since it was chosen, or can no longer be read. */
  | 'unreadable'
  /** The option `token` belongs to a file of another size. */
  | 'upload_of_another_file'
  /** OSS stored the file, but the upload callback failed. Send `receipt` to the back end, and do not upload again. */
  | 'callback_failed'

/** A code of the client, of the signer (`file_too_large`), or of OSS (`AccessDenied`). */
export type Code = ClientCode | (string & {})

export class UploadError extends Error {
  constructor(message: string, known: Partial<UploadError>)
  name: string
  code: Code
  /** 0 without an answer. */
  status: number
  /** The id of the request in the log of the signer or of OSS. */
  requestId?: string
  /** The exact reason of OSS, such as `0006-00000213`. */
  ec?: string
  /** The object that the file would have become or, after `callback_failed`, is. */
  key?: string
  url?: string
  /** As in `Stored`. */
  receipt?: string
  limits?: Limits
  /** In the results of `sign`: the file that was refused. */
  file?: File
  /** Seconds to wait as the signer says, or 0. More than 60 seconds are not waited for. */
  retryAfter?: number
}

/**
 * Gets a grant and posts one file. A grant that has expired is renewed once. A file that the route wants in parts is sent
 * by `multipart.js`, which is loaded then.
 * @throws {UploadError}
 */
export function upload(file: File, options?: Options): Task

/**
 * Gets a grant for one file.
 * @throws {UploadError} also when the file is refused
 */
export function grant(file: File, options?: Options): Promise<Grant>

/**
 * Gets grants for several files in one call. A refused file has an error in its place. Each result names its `file`.
 * @throws {UploadError} when the whole call fails
 */
export function sign(files: Iterable<File>, options?: Options): Promise<(Grant | UploadError)[]>

/**
 * Posts the file of a grant. An error in its place is thrown. `FileAlreadyExists` counts as stored where an earlier try
 * had sent the whole file and its answer was lost.
 * @throws {UploadError}
 */
export function send(verdict: Grant | PartsGrant | UploadError, options?: Options): Promise<Stored>

/**
 * Calls the signer at a path, with tries and errors as all calls have them; `multipart.js` is built on it.
 * @throws {UploadError}
 */
export function call(path: string, body: object, options: Options): Promise<any>
