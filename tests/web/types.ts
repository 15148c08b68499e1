/** Compiles, or the types of the client have changed for those who use them. Nothing here is run. */

import { grant, send, sign, upload, UploadError } from 'https://signer.example.com/client.js'
import type { Code, Grant, Limits, Options, Retry, Stored, Task, UploadToken } from 'https://signer.example.com/client.js'

declare const file: File

const options: Options = {
  endpoint: new URL('https://signer.example.com'),
  route: 'avatar',
  metadata: { owner: 'me' },
  headers: async () => ({ authorization: 'Bearer ticket' }),
  onProgress: ({ loaded, total }) => loaded / total,
  onRetry: ({ error, wait }: Retry) => console.log(error.code, wait),
  tries: 2,
  signal: AbortSignal.timeout(1000),
}

export async function one(): Promise<string> {
  try {
    const { key, url, result }: Stored = await upload(file, options)
    return `${key} ${url} ${result?.id}`
  } catch (error) {
    if (!(error instanceof UploadError)) throw error
    const code: Code = error.code
    const limits: Limits | undefined = error.limits
    if (code === 'network') return 'try again'
    if (code === 'callback_failed') return error.receipt ?? ''
    return limits ? `at most ${limits.max_size}` : `${error.status} ${error.requestId ?? ''} ${error.ec ?? ''}`
  }
}

export async function many(files: FileList): Promise<Stored[]> {
  const verdicts = await sign(files, { headers: { authorization: 'Bearer ticket' } })
  const refused = verdicts.filter((verdict) => verdict instanceof UploadError)
  console.log(refused.map(({ file, message }) => `${file?.name}: ${message}`))
  const grants = verdicts.filter((verdict): verdict is Grant => !(verdict instanceof UploadError))
  return Promise.all(grants.map((grant) => send(grant, options)))
}

export async function signedElsewhere(answer: Omit<Grant, 'file'>): Promise<Stored> {
  const { url, fields }: Grant = await grant(file, options)
  console.log(url, fields)
  return send({ ...answer, file })
}

export function large(keep: (token: UploadToken) => void): Task {
  const task = upload(file, { ...options, checksum: true, onToken: keep })
  task.pause()
  task.resume()
  task.catch((error: UploadError) => error.code === 'unreadable').finally(() => task.abort())
  return task
}

// @ts-expect-error: the file belongs to the grant
void grant(file).then((one) => send(one, file))
// @ts-expect-error: a grant without its file
void grant(file).then(({ file: _, ...rest }) => send(rest))
// @ts-expect-error: an option that there is not
void upload(file, { onprogress: () => {} })
// @ts-expect-error: no file
void upload('a.txt')
// @ts-expect-error: a name, not a rule
void sign([file], { route: { name: 'avatar' } })
