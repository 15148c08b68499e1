/** Compiles, or the types of the package have changed for those who use them. Nothing here is run. */

import { grant, upload, UploadError, type Grant, type Stored, type Task } from 'oss-upload-client'
import { OssUpload } from 'oss-upload-client/element'
import { discard, unfinished, type Unfinished } from 'oss-upload-client/multipart'
import { useUpload as useReactUpload } from 'oss-upload-client/react'
import { createUploads, type UploadItem } from 'oss-upload-client/uploads'
import { useUpload as useVueUpload } from 'oss-upload-client/vue'

declare const file: File

export const stored: Promise<Stored> = upload(file, { endpoint: new URL('https://signer.example.com') })
export const granted: Promise<Grant> = grant(file, { endpoint: '/signer' })

export function large(): Task {
  const [known]: Unfinished[] = unfinished({ endpoint: '/signer', route: 'films' })
  if (known && known.size !== file.size) void discard(known, { endpoint: '/signer' })
  const task = upload(file, { endpoint: '/signer', checksum: true, token: known?.token, onToken: ({ token }) => console.log(token) })
  task.pause()
  task.resume()
  return task
}

export function Component(): string {
  const { items, progress, isUploading, add, pause, resume, cancel, retry, remove } = useReactUpload({ endpoint: '.', onStored: ({ result }) => console.log(result?.key) })
  const ids: number[] = add(file)
  for (const act of [pause, resume, cancel, retry, remove]) act(ids[0])
  const first: UploadItem | undefined = items[0]
  if (first?.status === 'failed') return `${first.error instanceof UploadError && first.error.code}`
  return isUploading ? `${Math.round(progress * 100)} %` : ''
}

export function setup(): () => number {
  const { items, progress, isUploading } = useVueUpload(() => ({ endpoint: '.' }))
  const names: string[] = items.value.map(({ file }) => file.name)
  return () => (isUploading.value ? progress.value : names.length)
}

const element: OssUpload = document.createElement('oss-upload')
element.headers = async () => ({ authorization: 'Bearer token' })
element.addEventListener('stored', ({ detail }) => console.log(detail.key, detail.file.name))

createUploads({ tries: 2 }).subscribe(() => {})
// @ts-expect-error: pause and cancel are in the place of a signal
createUploads({ signal: AbortSignal.timeout(1) })
// @ts-expect-error: a status that there is not
export const odd = (item: UploadItem) => item.status === 'uploaded'
