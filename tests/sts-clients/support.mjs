/*
 * Starts the tool's local OSS and local STS as a child process, for the tests of this folder.
 *
 * `OSS_UPLOAD_BIN` names the built tool.
 */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export const KEY = { id: 'LTAI5tClientTests', secret: 'ClientTestsSecret' }
export const BUCKET = 'examplebucket'
export const ROLE_ARN = 'acs:ram::1234567890123456:role/oss-uploader'

/**
 * Starts both on free ports.
 * @param {string[]} faults what calls of the STS meet, in their order
 * @returns {Promise<{ host: string, oss: string, stop: () => Promise<void> }>} host and port of the STS, which is the
 *   RAM too, and of the OSS
 */
export async function startSts(faults = []) {
  assert.ok(process.env.OSS_UPLOAD_BIN, 'OSS_UPLOAD_BIN must name the built tool')
  const data = await mkdtemp(join(tmpdir(), 'oss-upload-sts-'))
  const args = ['emulate', '--port', '0', '--sts-port', '0', '--bucket', BUCKET, '--data-dir', data,
    '--access-key-id', KEY.id, '--access-key-secret', KEY.secret, ...faults.flatMap((fault) => ['--fault', fault])]
  const child = spawn(process.env.OSS_UPLOAD_BIN, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGTERM')
    await exit
    await rm(data, { recursive: true, force: true })
  }
  // Lines after the address are read too, or the tool would wait for a reader.
  const lines = createInterface({ input: child.stdout })
  const addresses = {}
  await new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      const found = /^(oss|sts)\s+http:\/\/(\S+)/.exec(line)
      if (found) addresses[found[1]] = found[2]
      if (addresses.oss && addresses.sts) resolve()
    })
    exit.then(([code]) => reject(new Error(`the tool ended with ${code}`)))
  })
  return { host: addresses.sts, oss: addresses.oss, stop }
}
