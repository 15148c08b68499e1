/**
 * CRC-64/XZ, the checksum that OSS keeps of every object. JavaScript has no fast integers of 64 bits, so the state is two
 * halves of 32 bits, and eight bytes are taken at a time.
 *
 * @import * as types from './crc64.js'
 */

const POLYNOMIAL = 0xc96c5795d7870f42n
const ALL = 0xffffffffffffffffn

/** What is read of a file at once: the page stays responsive between two pieces. */
const PIECE = 1024 * 1024

/** Table k has the effect of each byte that k further bytes follow. */
const LOW = new Int32Array(8 * 256)
const HIGH = new Int32Array(8 * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = BigInt(byte)
  for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n
  LOW[byte] = Number(crc & 0xffffffffn)
  HIGH[byte] = Number(crc >> 32n)
}
for (let index = 256; index < 8 * 256; index++) {
  const [low, high] = [LOW[index - 256], HIGH[index - 256]]
  LOW[index] = ((low >>> 8) | (high << 24)) ^ LOW[low & 255]
  HIGH[index] = (high >>> 8) ^ HIGH[low & 255]
}

/** @type {typeof types.Crc64} */
export class Crc64 {
  #low = -1
  #high = -1

  update(bytes) {
    let low = this.#low
    let high = this.#high
    let at = 0
    for (const end = bytes.length - 7; at < end; at += 8) {
      low ^= bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
      high ^= bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24)
      const a = 1792 | (low & 255)
      const b = 1536 | ((low >>> 8) & 255)
      const c = 1280 | ((low >>> 16) & 255)
      const d = 1024 | (low >>> 24)
      const e = 768 | (high & 255)
      const f = 512 | ((high >>> 8) & 255)
      const g = 256 | ((high >>> 16) & 255)
      const h = high >>> 24
      low = LOW[a] ^ LOW[b] ^ LOW[c] ^ LOW[d] ^ LOW[e] ^ LOW[f] ^ LOW[g] ^ LOW[h]
      high = HIGH[a] ^ HIGH[b] ^ HIGH[c] ^ HIGH[d] ^ HIGH[e] ^ HIGH[f] ^ HIGH[g] ^ HIGH[h]
    }
    for (; at < bytes.length; at++) {
      const index = (low ^ bytes[at]) & 255
      low = ((low >>> 8) | (high << 24)) ^ LOW[index]
      high = (high >>> 8) ^ HIGH[index]
    }
    this.#low = low
    this.#high = high
  }

  get value() {
    return ((BigInt(this.#high >>> 0) << 32n) | BigInt(this.#low >>> 0)) ^ ALL
  }
}

/** @type {typeof types.checksum} */
export async function checksum(blob) {
  const crc = new Crc64()
  for (let at = 0; at < blob.size; at += PIECE) crc.update(new Uint8Array(await blob.slice(at, at + PIECE).arrayBuffer()))
  return crc.value
}

/** @type {typeof types.combine} */
export function combine(first, second, length) {
  return apply(shift(length), first) ^ second
}

/** The matrices by length: all parts of a file but the last have one length. @type {Map<number, bigint[]>} */
const shifts = new Map()

/** The matrix over GF(2) that appends so many zero bytes; a column is a number of 64 bits. */
function shift(length) {
  const known = shifts.get(length)
  if (known) return known
  let power = Array.from({ length: 64 }, (_, bit) => (bit ? 1n << BigInt(bit - 1) : POLYNOMIAL)) // One zero bit.
  for (let square = 0; square < 3; square++) power = power.map((column) => apply(power, column)) // One zero byte.
  let matrix = Array.from({ length: 64 }, (_, bit) => 1n << BigInt(bit))
  for (let rest = length; rest; rest = Math.floor(rest / 2)) {
    if (rest % 2) matrix = matrix.map((column) => apply(power, column))
    power = power.map((column) => apply(power, column))
  }
  if (shifts.size > 8) shifts.clear()
  shifts.set(length, matrix)
  return matrix
}

function apply(matrix, vector) {
  let sum = 0n
  for (let bit = 0; vector; bit++, vector >>= 1n) if (vector & 1n) sum ^= matrix[bit]
  return sum
}
