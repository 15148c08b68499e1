/**
 * A signer and an OSS for uploads in parts, in memory: what a test of the client needs of both. They know tokens, parts and
 * signatures that end; each test says what else goes wrong.
 */

import { checksum } from '../../src/http/web/crc64.js'

export const PART = 1000

/** Seconds that a signature is good for. */
export const LIFE = 3600

export class Cloud {
  /** The uploads by token. @type {Map<string, { key: string, size: number, parts: Map<number, Uint8Array>, isComplete: boolean }>} */
  uploads = new Map()
  /** The finished objects by key. @type {Map<string, Uint8Array>} */
  objects = new Map()
  /** Which parts were stored, in this order, also those that were stored twice. @type {number[]} */
  stored = []
  /** The paths of the calls. @type {string[]} */
  calls = []
  /** Signatures of earlier generations are refused. */
  generation = 1
  maxParallel = 4
  partSize = PART
  origin = 'https://bucket.example.com'
  /** The signer's clock, in milliseconds. */
  now = () => Date.now()

  /** Answers a call of the signer. @returns {Promise<{ status: number, body?: any }>} */
  async sign(path, body) {
    this.calls.push(path)
    if (path === 'uploads') return this.#answer({ uploads: body.files.map(() => ({ method: 'MULTIPART', part_size: this.partSize, threshold: this.partSize })) })
    if (path === 'multipart') return this.#create(body.file)
    const upload = this.uploads.get(body.token)
    if (!upload) return this.#refuse(404, 'upload_not_found')
    if (path === 'multipart/parts') return this.#answer(this.#signed(body.token, body.from, body.count))
    if (path === 'multipart/complete') return this.#complete(upload, body)
    if (upload.isComplete) return this.#refuse(404, 'upload_not_found')
    if (path === 'multipart/status') return this.#answer({ ...this.#about(upload), done: ranges(upload.parts.keys()), bytes: bytesOf(upload) })
    this.uploads.delete(body.token)
    return { status: 204 }
  }

  /** Answers a part. @returns {Promise<{ status: number, headers?: Record<string, string>, code?: string }>} */
  async put(url, bytes) {
    const query = new URL(url).searchParams
    const number = Number(query.get('partNumber'))
    const upload = this.uploads.get(query.get('uploadId') ?? '')
    if (query.get('x-oss-signature') !== `${this.generation}-${number}`) return { status: 403, code: 'AccessDenied' }
    if (!upload || upload.isComplete) return { status: 404, code: 'NoSuchUpload' }
    if (bytes.length !== Math.min(this.partSize, upload.size - (number - 1) * this.partSize)) return { status: 403, code: 'SignatureDoesNotMatch' }
    upload.parts.set(number, bytes)
    this.stored.push(number)
    return { status: 200, headers: { 'x-oss-hash-crc64ecma': `${await checksum(new Blob([bytes]))}` } }
  }

  #create({ name, size }) {
    const token = `token-${this.calls.length}`
    const upload = { key: `up/${token}/${name}`, size, parts: new Map(), isComplete: false }
    this.uploads.set(token, upload)
    return this.#answer({ token, ...this.#about(upload), unique: true, ...this.#signed(token, 1, Math.ceil(size / this.partSize)) })
  }

  #about({ key, size }) {
    const until = new Date(this.now() + 24 * 3600_000).toISOString()
    return { key, size, part_size: this.partSize, parts: Math.ceil(size / this.partSize), max_parallel: this.maxParallel, resume_until: until }
  }

  #signed(token, from, count) {
    const numbers = Array.from({ length: count }, (_, index) => from + index)
    const signatures = Object.fromEntries(numbers.map((number) => [number, `${this.generation}-${number}`]))
    const path = encodeURI(this.uploads.get(token)?.key ?? '')
    return { url: `${this.origin}/${path}?uploadId=${token}`, signatures, expires_at: new Date(this.now() + LIFE * 1000).toISOString() }
  }

  async #complete(upload, { crc64 }) {
    const numbers = [...upload.parts.keys()].sort((one, two) => one - two)
    if (bytesOf(upload) !== upload.size) return this.#refuse(409, 'parts_missing')
    const bytes = new Uint8Array(Buffer.concat(numbers.map((number) => upload.parts.get(number) ?? new Uint8Array())))
    const crc = `${await checksum(new Blob([bytes]))}`
    if (crc64 !== undefined && crc64 !== crc) return this.#refuse(409, 'checksum_mismatch')
    upload.isComplete = true
    this.objects.set(upload.key, bytes)
    return { status: 200, body: { key: upload.key, etag: 'E', size: upload.size, crc64: crc } }
  }

  #answer(body) {
    return { status: 200, body: { ...body, server_time: new Date(this.now()).toISOString() } }
  }

  #refuse(status, error) {
    return { status, body: { error, message: `${error} it is.`, request_id: 'r-1' } }
  }
}

function bytesOf({ parts }) {
  return [...parts.values()].reduce((sum, { length }) => sum + length, 0)
}

/** Joins numbers to inclusive ranges. */
function ranges(numbers) {
  const list = []
  for (const number of [...numbers].sort((one, two) => one - two)) {
    if (list.at(-1)?.[1] === number - 1) list.at(-1)[1] = number
    else list.push([number, number])
  }
  return list
}
