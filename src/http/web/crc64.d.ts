/** The types of `crc64.js`. */

/** CRC-64/XZ of bytes that come in pieces. */
export class Crc64 {
  update(bytes: Uint8Array): void
  get value(): bigint
}

/** Reads a file in small pieces and gives its CRC-64/XZ. */
export function checksum(blob: Blob): Promise<bigint>

/** Gives the checksum of two texts one after the other, from the checksum of each and the length of the second in bytes. */
export function combine(first: bigint, second: bigint, length: number): bigint
