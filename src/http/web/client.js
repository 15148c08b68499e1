/**
 * oss-upload-client 0.1.0: gets a grant from the signer, then posts the form to OSS.
 * @import * as types from './client.js'
 */

export class UploadError extends Error {
  name = 'UploadError'
  code = ''
  status = 0 // no answer

  constructor(message, known) {
    super(message)
    Object.assign(this, known)
  }
}

/** @type {typeof types.upload} */
export function upload(file, options) {
  const stop = new AbortController()
  const { signal } = stop
  const own = { ...options, multipart: true, signal }
  const run = async () => send(await grant(file, own), own)
  const pause = () => {
    if (!own.go) own.held = new Promise((go) => (own.go = go))
    signal.dispatchEvent(new Event('abort')) // Ends what runs; `aborted` stays false.
  }
  const resume = () => (own.go = own.go?.())
  const abort = () => stop.abort(resume())
  if (options?.signal?.aborted) abort()
  options?.signal?.addEventListener('abort', abort)
  const task = run().catch((error) => {
    if (/Expired|-00000213/.test(error.code + error.ec)) return run()
    throw error
  })
  return Object.assign(task, { pause, resume, abort })
}

/** @type {typeof types.grant} */
export async function grant(file, options) {
  const [verdict] = await sign([file], options)
  if (verdict instanceof Error) throw verdict
  return verdict
}

/** @type {typeof types.sign} */
export async function sign(files, options = {}) {
  const { route, metadata, multipart } = options
  const list = [...files]
  const wishes = list.map(({ name, type, size }) => ({ name, type: type || undefined, size, metadata }))
  const { uploads } = await call('uploads', { route, files: wishes, multipart }, options)
  return uploads.map((verdict, index) => Object.assign(verdict.error ? refusal(verdict.error) : verdict, { file: list[index] }))
}

/** @type {typeof types.call} */
export function call(path, body, options) {
  const { endpoint = new URL('.', import.meta.url), headers, signal } = options
  const base = `${endpoint}`.replace(/\/?$/, '/')
  return persist(options, async (turn) => {
    const extra = typeof headers == 'function' ? await headers() : headers
    const response = await fetch(base + path, {
      method: 'POST',
      headers: { ...extra, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    }).catch(async () => {
      const probe = await fetch(base + 'health', { mode: 'no-cors' }).catch(() => {})
      if (probe?.type != 'opaque') silence('the signer')
      // The signer is there, but this page may not read it. The first time it may still be the network.
      throw new UploadError(`The signer does not admit ${location.origin}: see UPLOAD_ORIGINS.`, { code: 'origin_not_allowed', status: turn > 1 ? 403 : 0 })
    })
    const { status } = response
    const answer = await response.json().catch(() => {})
    if (answer?.uploads || answer?.url || answer?.key || status == 204) return answer
    throw refusal(answer?.error ? answer : { error: 'bad_answer', message: status < 500 ? `No signer at ${base + path}: set \`endpoint\`.` : `HTTP ${status}.` }, status, response.headers)
  })
}

/** @type {typeof types.send} */
export async function send(verdict, options = {}) {
  if (verdict instanceof Error) throw verdict
  if (verdict.method == 'MULTIPART') return (await import('./multipart.js').catch(() => silence('the signer'))).send(verdict, options)
  const { url, fields, key, unique, file } = verdict
  const stored = { key, url: `${url}/${key.replace(/[^/]+/g, encodeURIComponent)}`, receipt: fields['x:receipt'] }
  const form = new FormData()
  for (const name in fields) form.append(name, fields[name])
  form.append('file', file, file.name) // Last: OSS ignores what follows.
  let sent
  let furthest = 0
  return persist(options, async () => {
    const ours = unique || sent // An earlier try stored it; its answer was lost.
    const request = new XMLHttpRequest()
    request.open('POST', url)
    request.upload.onprogress = ({ loaded, total }) => {
      sent ||= loaded == total
      furthest = Math.max(furthest, loaded + file.size - total) // The fields go first.
      options.onProgress?.({ loaded: furthest, total: file.size })
    }
    await settle(options.signal, (done) => {
      request.onloadend = done
      request.send(form)
      return () => request.abort()
    })
    const { status } = request
    if (!status) silence('OSS')
    if (status < 300) verdict.unique = false // Spent.
    if (status < 300 && status != 203) return { ...stored, result: await new Response(request.response).json().catch(() => {}) }
    const read = (tag) => request.responseXML?.querySelector(tag)?.textContent
    const code = status == 203 ? 'callback_failed' : (read('Code') ?? 'bad_answer')
    if (ours && code == 'FileAlreadyExists') return stored
    const message = (status == 203 ? 'Stored, but the upload callback failed. ' : '') + (read('Message') ?? `HTTP ${status}.`)
    throw new UploadError(message, { code, status, requestId: read('RequestId'), ec: read('EC'), ...stored })
  })
}

/** Tries again, after ever longer waits. */
async function persist(options, attempt) {
  const { signal, tries = 4, onRetry } = options
  for (let turn = 1; ; turn++) {
    while (options.go) await options.held
    const { held } = options
    try {
      signal?.throwIfAborted()
      return await attempt(turn)
    } catch (error) {
      if (signal?.aborted) throw new UploadError('Aborted.', { code: 'aborted' })
      const wait = error.retryAfter || 2 ** turn * (1 + Math.random()) / 4
      if (options.held != held) turn = 0 // It was paused.
      else if (turn >= tries || wait > 60 || !/^(0|408|429|5..)$/.test(error.status)) throw error
      else {
        onRetry?.({ error, wait })
        await settle(signal, (done) => (setTimeout(done, wait * 1000), done))
      }
    }
  }
}

/** Waits for `start`; what it returns cancels. */
async function settle(signal, start) {
  let cancel
  await new Promise((done) => {
    cancel = start(done)
    signal?.addEventListener('abort', cancel)
  })
  signal?.removeEventListener('abort', cancel)
}

const refusal = ({ error: code, message, limits, request_id: requestId }, status = 200, headers) =>
  new UploadError(message, { code, status, requestId, limits, retryAfter: Number(headers?.get('retry-after')) })

const silence = (who) => {
  throw new UploadError(`No answer from ${who}: network failure, or hidden by CORS.`, { code: 'network' })
}
