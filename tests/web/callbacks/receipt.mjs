import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

export function granted(receipt) {
  const [mark, payload, code = '', ...more] = receipt.split('.')
  const isOurs = (key) => {
    const ours = createHmac('sha256', key).update(`oss-upload-receipt.r1.${payload}`).digest('base64url')
    return ours.length === code.length && timingSafeEqual(Buffer.from(ours), Buffer.from(code))
  }
  const keys = (process.env.UPLOAD_RECEIPT_KEYS ?? '').split(',').map((key) => key.trim())
  if (!keys.every(Boolean)) throw new Error('UPLOAD_RECEIPT_KEYS is not set, or has an empty part') // An empty key would not be secret.
  if (mark !== 'r1' || more.length || !keys.some(isOurs)) throw new Error('this is no receipt of ours')
  return JSON.parse(Buffer.from(payload, 'base64url'))
}

/** Returns the value of `vars` in a receipt for these variables; their names are without `x:`. */
export function hashOf(variables) {
  const texts = Object.keys(variables).sort().flatMap((name) => [name, variables[name]])
  const netstrings = texts.map((text) => `${Buffer.byteLength(text)}:${text},`)
  return createHash('sha256').update(netstrings.join('')).digest('base64url')
}
