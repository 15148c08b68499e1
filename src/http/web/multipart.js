/**
 * Uploads a large file in parts: several at a time, and none twice. client.js loads this file when the signer says that a
 * file goes in parts. The token of an unfinished upload is kept in the browser, so that the upload goes on when the same
 * file is chosen again.
 *
 * @import * as types from './multipart.js'
 */

import { call, UploadError } from './client.js'

/** As many requests as browsers send to one host at a time. Those beyond would wait, and look as if they had stalled. */
const AT_ONCE = 6

/** A part that moves no byte for so long is sent again. Before the first byte a connection may have to be opened. */
const STALL_MS = 60_000
const FIRST_BYTE_MS = 180_000

/** Larger parts are not copied into memory. */
const LARGEST_COPY = 64 * 1024 * 1024

/** The tries of a part in a row: about two minutes. While the device is offline there are none. */
const TRIES = 8
const LONGEST_WAIT = 30

/** The signatures are renewed so long before they end, but not before four fifths of their time. */
const MARGIN_MS = 60_000

/** How often the parts that the signer misses are sent once more. */
const REPAIRS = 2

/** Of each end and of the middle so many bytes tell a file from others of its name and size. */
const SAMPLE = 64 * 1024

const PREFIX = 'oss-upload:'

/** @type {typeof types.send} */
export async function send({ file }, options = {}) {
  const id = await identify(file, options)
  const release = await claim(id)
  const upload = new PartUpload(file, options, release && id)
  try {
    return await upload.run()
  } catch (error) {
    if (!options.signal?.aborted) throw error
    upload.abandon()
    throw new UploadError('Aborted.', { code: 'aborted' })
  } finally {
    upload.close()
    release?.()
  }
}

/** @type {typeof types.unfinished} */
export function unfinished({ endpoint, route } = {}) {
  const all = Object.keys(storage() ?? {}).filter((name) => name.startsWith(PREFIX)).map((name) => recall(name.slice(PREFIX.length)))
  return all.filter((record) => record && record.endpoint === text(endpoint) && record.route === text(route))
}

/** @type {typeof types.discard} */
export async function discard({ id, token }, options = {}) {
  forget(id)
  await call('multipart/abort', { token }, { ...options, tries: 2 })
}

/** One file on its way: what the signer has said of it, which parts OSS has, and which are being sent. */
class PartUpload {
  /** The numbers of the parts that OSS has. @type {Set<number>} */
  #done = new Set()
  /** The parts that are being sent, and how many bytes of each are. @type {Map<number, number>} */
  #sending = new Map()
  /** @type {Map<number, bigint>} */
  #checksums = new Map()
  /** What ends the requests and waits that run. @type {Set<(value?: any) => void>} */
  #running = new Set()
  #count = 0
  #partSize = 0
  #parallel = 4
  #until = 0
  #key = ''
  /** @type {string | undefined} */
  #receipt
  /** The address of the object. */
  #place = ''
  /** The address of the parts, without number and signature. */
  #url = ''
  /** @type {Record<string, string>} */
  #signatures = {}
  #renewAt = 0
  /** How often the parts were signed. */
  #round = 0
  /** @type {Promise<void> | undefined} */
  #renewal
  #furthest = -1
  #copies = false
  /** The first failure that is not tried again. @type {any} */
  #failure

  constructor(file, options, id) {
    this.file = file
    this.options = options
    this.id = id
    this.token = options.token
    this.end = () => this.#running.forEach((end) => end())
    options.signal?.addEventListener('abort', this.end)
  }

  close() {
    this.options.signal?.removeEventListener('abort', this.end)
  }

  async run() {
    const known = this.token ? { token: this.token } : this.id && recall(this.id)
    const stored = known?.complete && (await this.#completed(known))
    if (stored) return stored
    if (!known || !(await this.#resume(known))) await this.#create()
    for (let repair = 0; ; repair++) {
      await this.#transfer()
      this.#remember(true)
      try {
        return await this.#complete()
      } catch (error) {
        if (error.code !== 'parts_missing' || repair === REPAIRS) throw error
        this.#learn(await this.#call('status'))
      }
    }
  }

  /** Asks for the end of an upload that was about to be completed when the page was left. */
  async #completed({ token, key, url, receipt }) {
    Object.assign(this, { token })
    ;[this.#key, this.#place, this.#receipt] = [key, url, receipt]
    try {
      return await this.#complete()
    } catch (error) {
      if (!/^(upload_|parts_)/.test(error.code)) throw error
    }
  }

  /** Takes up an upload that began before. `false` where the signer or OSS does not know it any more. */
  async #resume({ token, url = '', parallel = this.#parallel }) {
    this.token = token
    this.#parallel = parallel
    this.#place = url
    try {
      const status = await this.#call('status')
      if (status.size !== this.file.size) throw new UploadError(`The upload is of another file, of ${status.size} bytes.`, { code: 'upload_of_another_file' })
      this.#learn(status)
      return true
    } catch (error) {
      if (this.options.token || !/^upload_/.test(error.code)) throw error
      forget(this.id)
      return false
    }
  }

  async #create() {
    const { name, type, size } = this.file
    const { route, metadata } = this.options
    const answer = await call('multipart', { route, file: { name, type: type || undefined, size, metadata } }, this.options)
    this.token = answer.token
    this.#sign(answer)
    this.#learn({ done: [], ...answer })
  }

  #learn({ done, part_size, parts, max_parallel, resume_until, key, receipt }) {
    this.#done = new Set(done.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index)))
    if (part_size !== this.#partSize) this.#checksums.clear()
    this.#count = parts
    this.#partSize = part_size
    this.#parallel = max_parallel ?? this.#parallel
    this.#until = Date.parse(resume_until)
    this.#key = key
    this.#receipt = receipt ?? this.#receipt
    this.#remember()
    this.options.onToken?.({ token: this.token, key, resumeUntil: resume_until })
    this.#report()
  }

  /** Takes signatures, and finds by this device's clock when they have to be renewed. */
  #sign({ url, signatures, expires_at, server_time }) {
    const life = Date.parse(expires_at) - Date.parse(server_time)
    this.#renewAt = Date.now() + Math.max(life - MARGIN_MS, life * 0.8)
    this.#signatures = signatures
    this.#round += 1
    this.#url = url
    this.#place = url.split('?')[0]
  }

  #remember(complete = false) {
    if (!this.id) return
    const { name, size } = this.file
    const { endpoint, route } = this.options
    const about = { token: this.token, key: this.#key, url: this.#place, receipt: this.#receipt, until: this.#until, parallel: this.#parallel }
    keep(this.id, { ...about, name, size, loaded: this.#stored(), endpoint: text(endpoint), route: text(route), complete })
  }

  /** Asks the signer, as patiently as OSS is asked. */
  #call(path, more, options = this.options) {
    return call(`multipart/${path}`, { token: this.token, ...more }, inherit(options, { tries: options.tries ?? TRIES }))
  }

  /** Sends every part that OSS does not have, several at a time. The first final failure ends them all. */
  async #transfer() {
    const waiting = Array.from({ length: this.#count }, (_, index) => index + 1).filter((number) => !this.#done.has(number))
    const worker = async () => {
      for (let number; !this.#failure && (number = waiting.shift()); ) {
        await this.#deliver(number).catch((error) => {
          this.#failure ??= error
          this.end()
        })
      }
    }
    await Promise.all(Array.from({ length: Math.min(this.#parallel, waiting.length) }, worker))
    if (this.#failure) throw this.#failure
    if (!this.#place) this.#sign(await this.#call('parts', { from: 1, count: 1 })) // Nothing was left to send.
  }

  /** Sends one part until OSS has it. */
  async #deliver(number) {
    for (let turn = 1, refusals = 0; ; ) {
      await this.#ready()
      await this.#signed(number)
      const round = this.#round
      const error = await this.#put(number)
      if (!error) return this.#finish(number)
      this.#sending.delete(number)
      await this.#ready()
      if (error.ended) continue // Paused.
      if (error.status === 403 && refusals++ < 2) {
        if (round === this.#round) this.#renewAt = 0 // The signatures have ended, or the keys that made them.
        continue
      }
      if (error.code === 'NoSuchUpload') forget(this.id)
      if (!(await this.#persists(error, turn++))) throw error
    }
  }

  /** Waits while the upload is paused or the device offline. Throws when another part has failed, or all was aborted. */
  async #ready() {
    const { options } = this
    for (;;) {
      if (options.signal?.aborted) throw new UploadError('Aborted.', { code: 'aborted' })
      if (this.#failure) throw this.#failure
      if (options.go) await options.held
      else if (globalThis.navigator?.onLine === false) await this.#rest(LONGEST_WAIT)
      else return
    }
  }

  /** Makes sure of a signature that is still good; one call renews those of all parts that are left. */
  async #signed(number) {
    if (Date.now() < this.#renewAt && this.#signatures[number]) return
    this.#renewal ??= this.#renew(number).finally(() => (this.#renewal = undefined))
    await this.#renewal
    if (!this.#signatures[number]) await this.#renew(number, number)
  }

  async #renew(number, from = this.#firstMissing()) {
    const answer = await this.#call('parts', { from, count: this.#count - from + 1 })
    this.#sign(answer)
    if (from === number && !answer.signatures[number]) throw new UploadError(`Part ${number} was not signed.`, { code: 'bad_answer', status: 200 })
  }

  #firstMissing() {
    let number = 1
    while (this.#done.has(number)) number += 1
    return number
  }

  #slice(number) {
    return this.file.slice((number - 1) * this.#partSize, number * this.#partSize)
  }

  /** Sends a part once, and gives what failed. @returns {Promise<any>} */
  async #put(number) {
    const slice = this.#slice(number)
    try {
      const crc = await this.#checksum(number)
      const body = this.#copies && slice.size <= LARGEST_COPY ? await slice.arrayBuffer() : slice
      const free = await slot()
      try {
        return this.options.go || this.#failure ? { ended: true } : await this.#exchange(number, body, crc)
      } finally {
        free()
      }
    } catch (error) {
      if (/^Not(Readable|Found)Error$/.test(error.name)) return unreadable()
      if (error instanceof UploadError) return error
      throw error
    }
  }

  async #exchange(number, body, crc) {
    const request = new XMLHttpRequest()
    request.open('PUT', `${this.#url}&partNumber=${number}&x-oss-signature=${this.#signatures[number]}`)
    const stalled = watch(request, ({ loaded }) => {
      this.#sending.set(number, Math.min(loaded, this.#slice(number).size))
      this.#report()
    })
    let ended = false
    const end = () => {
      ended = true
      request.abort()
    }
    this.#running.add(end)
    await new Promise((done) => {
      request.onloadend = done
      request.send(body) // A slice has no type: the request must not have one either.
    })
    this.#running.delete(end)
    if (stalled()) this.#copies = true // Some WebKit browsers stop in the middle of a slice; of memory they do not.
    if (ended) return { ended }
    return this.#verdict(number, request, crc)
  }

  /** Reads the answer of OSS: nothing where it has the part, else an error. */
  async #verdict(number, request, crc) {
    const { status } = request
    const known = { status, key: this.#key, requestId: undefined, ec: undefined }
    if (!status) {
      await this.#slice(number).slice(0, 1).arrayBuffer() // Throws where the file is the reason.
      return new UploadError('No answer from OSS: network failure, or hidden by CORS.', { ...known, code: 'network' })
    }
    if (status < 300) {
      const [, theirs] = request.getAllResponseHeaders().match(/^x-oss-hash-crc64ecma: *(\d+)/im) ?? []
      if (crc === undefined || !theirs || crc === BigInt(theirs)) return
      return new UploadError(`Part ${number} arrived with another checksum.`, { ...known, status: 0, code: 'checksum_mismatch' })
    }
    const read = (tag) => request.responseXML?.querySelector(tag)?.textContent
    return new UploadError(read('Message') ?? `HTTP ${status}.`, { ...known, code: read('Code') ?? 'bad_answer', requestId: read('RequestId'), ec: read('EC') })
  }

  #finish(number) {
    this.#sending.delete(number)
    this.#done.add(number)
    this.#remember()
    this.#report()
  }

  /** The bytes that OSS has. */
  #stored() {
    const missing = this.#done.has(this.#count) ? this.#count * this.#partSize - this.file.size : 0 // The last part is shorter.
    return this.#done.size * this.#partSize - missing
  }

  /** A part that is sent again counts once, so the progress waits until it gets further than before. */
  #report() {
    const loaded = [...this.#sending.values()].reduce((sum, bytes) => sum + bytes, this.#stored())
    if (loaded <= this.#furthest) return
    this.#furthest = loaded
    this.options.onProgress?.({ loaded, total: this.file.size })
  }

  async #checksum(number) {
    if (!this.options.checksum && !this.options.token) return
    const { checksum } = await crc64()
    if (!this.#checksums.has(number)) this.#checksums.set(number, await checksum(this.#slice(number)))
    return this.#checksums.get(number)
  }

  /** The checksum of the whole file. Parts that were sent before a reload are read once more. */
  async #whole() {
    let whole = await this.#checksum(1)
    if (whole === undefined) return
    const { combine } = await crc64()
    for (let number = 2; number <= this.#count; number++) {
      await this.#ready()
      whole = combine(whole, (await this.#checksum(number)) ?? 0n, this.#slice(number).size)
    }
    return whole
  }

  /** Makes the object of the parts. A lost answer does no harm: the signer knows an upload that it has completed. */
  async #complete() {
    if (!this.#count) this.#partSize = this.file.size // Nothing is known of the parts any more.
    const crc = await this.#whole()
    await this.#ready()
    const about = { key: this.#key, url: this.#place, receipt: this.#receipt }
    for (let turn = 1; ; turn++) {
      try {
        const { key, etag, crc64, result, receipt = about.receipt } = await this.#call('complete', { crc64: crc?.toString() }, inherit(this.options, { tries: 1 }))
        forget(this.id)
        return { ...about, key, receipt, result, etag, crc64 }
      } catch (error) {
        if (!(await this.#persists(error, turn))) throw this.#final(error, about)
      }
    }
  }

  /** Waits before another try of a failure that may pass, and says whether there is one. */
  async #persists(error, turn) {
    const { signal, tries = TRIES, onRetry } = this.options
    const wait = error.retryAfter || pause(turn)
    if (turn >= tries || signal?.aborted || !isPassing(error)) return false
    onRetry?.({ error, wait })
    await this.#rest(wait)
    await this.#ready()
    return true
  }

  /** Forgets an upload that another try cannot complete either. */
  #final(error, about) {
    if (isPassing(error) || error.code === 'parts_missing' || this.options.signal?.aborted) return error
    if (error.code === 'object_exists') this.abandon()
    forget(this.id)
    return Object.assign(error, about)
  }

  /** Frees what is stored of an aborted upload. Nobody waits for the answer. */
  abandon() {
    forget(this.id)
    const free = inherit(this.options, { signal: undefined, go: undefined, onRetry: undefined, tries: 2 })
    if (this.token) this.#call('abort', {}, free).catch(() => {})
  }

  /** Waits for so many seconds, or until the line or the page comes back, or all is aborted. */
  async #rest(seconds) {
    const { signal } = this.options
    const ears = [[globalThis, 'online'], [globalThis.document, 'visibilitychange'], [signal, 'abort']]
    let wake
    let timer
    await new Promise((done) => {
      wake = done
      timer = setTimeout(done, seconds * 1000)
      this.#running.add(done)
      for (const [target, event] of ears) target?.addEventListener?.(event, done)
    })
    clearTimeout(timer)
    this.#running.delete(wake)
    for (const [target, event] of ears) target?.removeEventListener?.(event, wake)
  }
}

function crc64() {
  return import('./crc64.js').catch(() => {
    throw new UploadError('No answer from the signer: network failure, or hidden by CORS.', { code: 'network' })
  })
}

function unreadable() {
  return new UploadError('The file has changed or can no longer be read.', { code: 'unreadable' })
}

/** Options with some replaced. What `upload` changes in its own, such as `go`, is seen here too. */
function inherit(options, changes) {
  return Object.assign(Object.create(options), changes)
}

/** A failure that the next try may not meet. After `callback_failed` the object is stored. */
function isPassing({ code, status }) {
  return code === 'RequestTimeout' || (!/^(unreadable|aborted|callback_failed)$/.test(code) && /^(0|408|429|5..)$/.test(status))
}

/** The seconds before another try: ever longer, and not the same for all. */
function pause(turn) {
  return Math.min(LONGEST_WAIT, (2 ** turn * (1 + Math.random())) / 4)
}

/** Ends a request that moves nothing for long; the result says whether it did. */
function watch(request, onProgress) {
  let isStalled = false
  let timer
  const arm = (limit) => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      isStalled = true
      request.abort()
    }, limit)
  }
  request.upload.onprogress = (event) => {
    arm(STALL_MS)
    onProgress(event)
  }
  arm(FIRST_BYTE_MS)
  return () => {
    clearTimeout(timer)
    return isStalled
  }
}

let used = 0
/** @type {((value?: any) => void)[]} */
const queue = []

/** Waits for one of the places that all uploads of the page share; the result gives it back. */
async function slot() {
  if (used < AT_ONCE) used += 1
  else await new Promise((done) => queue.push(done))
  return () => {
    const next = queue.shift()
    if (next) next()
    else used -= 1
  }
}

/**
 * Names a file and its way: the same file for the same route of the same signer has the same name after a reload. It
 * needs `https`; without it nothing is remembered.
 *
 * @param {File} file @param {import('./client.js').Options} options
 */
async function identify(file, { endpoint, route, metadata }) {
  if (!globalThis.crypto?.subtle) return
  const { name, size, lastModified } = file
  const starts = [0, Math.floor(size / 2), Math.max(0, size - SAMPLE)]
  const about = JSON.stringify([name, size, lastModified, text(endpoint), text(route), metadata ?? {}])
  try {
    const sample = await new Blob([about, ...starts.map((start) => file.slice(start, start + SAMPLE))]).arrayBuffer()
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', sample))
    return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
  } catch (error) {
    throw /^Not(Readable|Found)Error$/.test(error.name) ? unreadable() : error
  }
}

/** The files that this page sends, where the browser has no locks. @type {Set<string>} */
const claimed = new Set()

/**
 * Claims a file for one upload, across all tabs. A second upload of the file at the same time gets nothing: it begins
 * anew, and is not remembered.
 */
async function claim(id) {
  const { locks } = globalThis.navigator ?? {}
  if (!id || claimed.has(id)) return
  if (!locks) {
    claimed.add(id)
    return () => claimed.delete(id)
  }
  return new Promise((resolve) => {
    const hold = (lock) => (lock ? new Promise((release) => resolve(release)) : resolve(undefined))
    locks.request(PREFIX + id, { ifAvailable: true }, hold).catch(() => resolve(undefined))
  })
}

/** The storage of the page; nothing where the browser keeps it closed. */
function storage() {
  try {
    return globalThis.localStorage
  } catch {
    return undefined
  }
}

function keep(id, record) {
  try {
    storage()?.setItem(PREFIX + id, JSON.stringify(record))
  } catch {
    // Full: the upload goes on, but cannot be taken up after a reload.
  }
}

function forget(id) {
  if (id) storage()?.removeItem(PREFIX + id)
}

/** Reads what is known of an unfinished upload, unless its time is over. */
function recall(id) {
  try {
    const record = JSON.parse(storage()?.getItem(PREFIX + id) ?? 'null')
    if (record?.until > Date.now()) return { ...record, id }
  } catch {
    // Not ours, or broken.
  }
  forget(id)
}

function text(value) {
  return `${value ?? ''}`
}
