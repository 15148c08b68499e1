/** The types of `client.js`, of one version with it: take both from the same function. */

/** Leave to post one file, until `expires_at`. */
export interface Grant {
  method: 'POST'
  /** Where the form is posted to. */
  url: string
  /** The form; the file comes after them. */
  fields: Record<string, string>
  /** Where OSS will keep the file. */
  key: string
  /** No other grant has this key: if OSS has a file there already, it is this one. */
  unique: boolean
  /** A UTC time as `2026-11-21T10:10:00Z`. */
  expires_at: string
}

export interface Stored {
  /** Where OSS keeps the file. */
  key: string
  /** Its address; who may read it is the bucket's business. */
  url: string
  /** Where the route has a callback: what proves the grant to who has its key. */
  receipt?: string
  /** What the callback answered, if it answered JSON. Missing too where the answer of an earlier try was lost. */
  result?: any
}

/** Bytes of the file. In one `send`, `loaded` never falls: a further try is seen when it gets further. */
export interface Progress {
  loaded: number
  total: number
}

export interface Retry {
  /** Why the last try failed. */
  error: UploadError
  /** Seconds until the next one. */
  wait: number
}

/** Such as `{ authorization: 'Bearer …' }`. */
export type RequestHeaders = Record<string, string>

export interface Options {
  /** The signer; the module's home by default. */
  endpoint?: string | URL
  /** The named rules to upload under. */
  route?: string
  /** What to keep beside the file, where the route takes it. */
  metadata?: Record<string, string>
  /** For the signer, never for OSS; a function is asked before each try. */
  headers?: RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>)
  onProgress?: (progress: Progress) => void
  /** Hears of each failure after which it is tried again. */
  onRetry?: (retry: Retry) => void
  /** How often a request is tried that gets no answer, 408, 429 or 5xx; 4 by default, 1 is once. */
  tries?: number
  signal?: AbortSignal
}

/** What a route takes, as the signer says it when it refuses a file. */
export interface Limits {
  min_size: number
  max_size: number
  /** As `image/png` or `image/*`; empty takes all. */
  types: string[]
  /** Without a dot; empty takes all. */
  extensions: string[]
  /** The most files in one call. */
  max_files: number
}

export type ClientCode =
  /** The signal came. */
  | 'aborted'
  /** Nothing was answered, or CORS hides it; OSS may have stored the file. */
  | 'network'
  /** An answer that is neither the signer's nor OSS's. */
  | 'bad_answer'
  /** OSS stored the file, but the application was not told: hand it `receipt`, and do not upload again. */
  | 'callback_failed'

/** The client's own code, the signer's (`file_too_large`), or the `Code` of OSS (`AccessDenied`). */
export type Code = ClientCode | (string & {})

export class UploadError extends Error {
  constructor(message: string, known: Partial<UploadError>)
  name: string
  code: Code
  /** 0 without an answer. */
  status: number
  /** What the log of the signer, or OSS, knows the request by. */
  requestId?: string
  /** The exact reason of OSS, as `0006-00000213`. */
  ec?: string
  /** Where the file would be, or after `callback_failed` is. */
  key?: string
  url?: string
  /** As in `Stored`. */
  receipt?: string
  limits?: Limits
  /** Seconds that the signer wants to be left alone, or 0; more than 60 are not waited for. */
  retryAfter?: number
}

/**
 * Asks for a grant and posts one file under it. A grant that has run out is renewed once.
 * @throws {UploadError}
 */
export function upload(file: File, options?: Options): Promise<Stored>

/**
 * Asks for grants in one call; a file that is refused has an error in its place.
 * @throws {UploadError}
 */
export function sign(files: Iterable<File>, options?: Options): Promise<(Grant | UploadError)[]>

/**
 * Posts one file under its grant; an error in its place is thrown. Where an earlier try had sent all of the file and
 * lost the answer, `FileAlreadyExists` is that answer, and the file is stored.
 * @throws {UploadError}
 */
export function send(verdict: Grant | UploadError, file: File, options?: Options): Promise<Stored>
