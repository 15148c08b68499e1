import { save } from './back-end.mjs'
import { granted } from './receipt.mjs'

export async function reconcile(receipt) {
  const { id, key, min, max } = granted(receipt)
  const address = `${process.env.BUCKET_URL}/${key.split('/').map(encodeURIComponent).join('/')}`
  const { ok, headers } = await fetch(address, { method: 'HEAD' }) // Of a private bucket: what your SDK calls head.
  const size = Number(headers.get('content-length'))
  if (!ok || size < min || size > max) throw new Error(`what was granted is not at ${key}`)
  return save({ receipt_id: id, key, etag: headers.get('etag').replaceAll('"', '') })
}
