import { save } from './back-end.mjs'
import { granted } from './receipt.mjs'

export async function reconcile(receipt) {
  const { id, key, min, max, types } = granted(receipt)
  const address = `${process.env.BUCKET_URL}/${key.split('/').map(encodeURIComponent).join('/')}`
  const { ok, headers } = await fetch(address, { method: 'HEAD' }) // For a private bucket, use the head call of your SDK.
  const size = Number(headers.get('content-length'))
  const isGranted = size >= min && size <= max && fits(headers.get('content-type'), types)
  if (!ok || !isGranted) throw new Error(`what was granted is not at ${key}`)
  return save({ receipt_id: id, key })
}

/** OSS stores any type that the uploader sends, and a browser uses the last one of `image/png,text/html`. */
function fits(type, types) {
  const [, whole, kind] = /^(([\w.+-]+)\/[\w.+-]+)\s*(;([^,"]|"[^"]*")*)?$/.exec(type?.toLowerCase()) ?? []
  return !types || types.some((one) => [whole, `${kind}/*`].includes(one.toLowerCase()))
}
