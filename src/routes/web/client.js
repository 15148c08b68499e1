/**
 * Uploads straight to OSS: asks the signer for a grant, then posts the form.
 *
 *   import { upload } from 'https://signer.example.com/client.js'
 *   const { key, url } = await upload(file)
 *
 * Queues, retries and words belong to the page.
 */

/** @typedef {{ url: string, fields: Record<string, string>, key: string, expires_at: string }} Grant */
/**
 * @typedef {object} Options
 * @property {string | URL} [endpoint] the signer; this module's home by default
 * @property {string} [route] the named rules to upload under
 * @property {Record<string, string>} [headers] such as Authorization, for the signer
 * @property {(progress: { loaded: number, total: number }) => void} [onProgress] bytes of the file
 * @property {AbortSignal} [signal]
 */

/**
 * `code` is the signer's, or the `Code` of OSS, or `aborted`, `network` (no readable answer), `bad_answer`
 * (from neither), or `callback_failed`: OSS stored `key`, but the callback of the application failed.
 */
export class UploadError extends Error {
  name = 'UploadError'
  code = ''
  status = 0 // no answer
  requestId = ''
  ec = ''
  key = ''
  limits = {}

  /** @param {string} message @param {Partial<UploadError>} known */
  constructor(message, known) {
    super(message)
    Object.assign(this, known)
  }
}

/**
 * Uploads one file under a fresh grant; to retry, call again.
 * @param {File} file @param {Options} [options] @returns {Promise<{ key: string, url: string }>}
 */
export async function upload(file, options) {
  const [verdict] = await sign([file], options)
  return send(verdict, file, options)
}

/**
 * Asks for one verdict per file.
 * @param {Iterable<File>} files @param {Options} [options] @returns {Promise<(Grant | UploadError)[]>}
 */
export async function sign(files, { endpoint = new URL('.', import.meta.url), route, headers, signal } = {}) {
  let response, answer
  try {
    response = await fetch(`${endpoint}`.replace(/\/?$/, '/uploads'), {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ route, files: Array.from(files, wish) }),
      signal,
    })
    answer = await response.json()
  } catch {
    if (!response || signal?.aborted) throw silence(signal, 'the signer')
  }
  const { status } = response
  if (answer?.error) throw refusal(answer, status)
  if (!answer?.uploads) throw new UploadError(`HTTP ${status}.`, { code: 'bad_answer', status })
  return answer.uploads.map((verdict) => (verdict.error ? refusal(verdict.error, status) : verdict))
}

function wish({ name, type, size }) {
  return { name, type: type || undefined, size }
}

/**
 * Posts one file under its verdict; throws a refusal as it is.
 * @param {Grant | UploadError} verdict @param {File} file @param {Options} [options]
 */
export async function send(verdict, file, { onProgress, signal } = {}) {
  if (verdict instanceof Error) throw verdict
  const form = new FormData()
  for (const [name, value] of Object.entries(verdict.fields)) form.append(name, value)
  form.append('file', file) // Last: OSS ignores what follows.
  const request = new XMLHttpRequest()
  request.open('POST', verdict.url)
  if (onProgress) report(request.upload, file.size, onProgress)
  await settle(request, form, signal)
  if (!request.status) throw silence(signal, 'OSS (the file may be stored)')
  return outcome(request, verdict)
}

/** The fields count too, and travel before the file. */
function report(upload, total, onProgress) {
  upload.onprogress = (event) => onProgress({ loaded: Math.max(0, event.loaded + total - event.total), total })
}

function settle(request, form, signal) {
  const cancel = () => request.abort()
  return new Promise((resolve) => {
    request.onloadend = resolve
    signal?.addEventListener('abort', cancel)
    request.send(form)
    if (signal?.aborted) cancel()
  }).finally(() => signal?.removeEventListener('abort', cancel))
}

function outcome({ status, responseText }, { url, key }) {
  if ([200, 201, 204].includes(status)) return { key, url: `${url}/${key.replace(/[^/]+/g, encodeURIComponent)}` }
  const xml = new DOMParser().parseFromString(responseText, 'text/xml')
  const read = (tag) => xml.querySelector(tag)?.textContent
  const code = status == 203 ? 'callback_failed' : (read('Code') ?? 'bad_answer')
  throw new UploadError(read('Message') ?? `HTTP ${status}.`, { code, status, requestId: read('RequestId'), ec: read('EC'), key })
}

function refusal({ error: code, message, limits, request_id: requestId }, status) {
  return new UploadError(message, { code, status, requestId, limits })
}

function silence(signal, who) {
  if (signal?.aborted) return new UploadError('Aborted.', { code: 'aborted' })
  return new UploadError(`No answer from ${who}: network failure, or hidden by CORS.`, { code: 'network' })
}
