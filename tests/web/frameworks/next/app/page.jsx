'use client'

import 'oss-upload-client/element'
import { useUpload } from 'oss-upload-client/react'
import { useEffect, useState } from 'react'

export default function Page() {
  const [endpoint, setEndpoint] = useState('')
  useEffect(() => setEndpoint(new URLSearchParams(location.search).get('signer')), [])
  const { items, add } = useUpload({ endpoint })
  return (
    <main data-ready={endpoint}>
      <input id="hook" type="file" multiple onChange={({ target }) => add(target.files)} />
      {items.map(({ id, file, status, error, result }) => (
        <p key={id} data-status={status} data-key={result?.key}>
          {file.name}: {error?.message ?? status}
        </p>
      ))}
      {endpoint && <oss-upload endpoint={endpoint}></oss-upload>}
    </main>
  )
}
