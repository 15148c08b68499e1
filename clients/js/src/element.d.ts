import type { RequestHeaders, Stored, UploadError } from './client.js'

/** The detail of the events `stored`, `unconfirmed`, `failed` and `cancelled`. */
export interface OssUploadDetail extends Partial<Stored> {
  file: File
  /** After `failed` and `unconfirmed`. */
  error?: UploadError
}

export interface OssUploadEventMap {
  stored: CustomEvent<OssUploadDetail>
  /** Stored, but the upload callback failed. Do not upload it again. */
  unconfirmed: CustomEvent<OssUploadDetail>
  failed: CustomEvent<OssUploadDetail>
  cancelled: CustomEvent<OssUploadDetail>
}

/**
 * `<oss-upload endpoint="https://signer.example.com" route="avatar" ticket="…">`. Its texts are Chinese or English, after the
 * nearest `lang`, else after the browser. Colours and fonts are set by `--oss-upload-accent` and further properties.
 */
export class OssUpload extends HTMLElement {
  /** Metadata of each file, where the route accepts it. For a required value that is missing here, a field is shown. */
  metadata?: Record<string, string>
  /** Sent to the signer only; a function is called before each try. */
  headers?: RequestHeaders | (() => RequestHeaders | Promise<RequestHeaders>)
  addEventListener<K extends keyof OssUploadEventMap>(type: K, listener: (event: OssUploadEventMap[K]) => void, options?: boolean | AddEventListenerOptions): void
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void
}

declare global {
  interface HTMLElementTagNameMap {
    'oss-upload': OssUpload
  }
}
