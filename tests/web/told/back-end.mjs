import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

const records = new Map() // Yours is a table, in which the event is a unique key.

export function save({ receipt_id, key }) {
  const event = [receipt_id, key].join(' ') // Where an upload may overwrite another: with the etag.
  if (!records.has(event)) records.set(event, { id: `rec_${records.size + 1}`, key })
  return records.get(event)
}

export const suspects = [] // Yours is a queue. Look with HEAD, and delete only what does not fit `granted`.

function suspect({ stored: { key }, granted }) {
  suspects.push({ key, granted })
  return {}
}

const secret = process.env.UPLOAD_WEBHOOK_SECRET ?? ''
if (!/^whsec_.{32}/.test(secret)) throw new Error('UPLOAD_WEBHOOK_SECRET is not set, or no secret')
const webhook = new Webhook(secret)
export const server = createServer(async (request, response) => {
  try {
    const { type, data } = webhook.verify(await text(request), request.headers)
    const answer = type === 'upload.completed' ? save(data) : suspect(data)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  } catch (error) {
    response.writeHead(400).end(String(error))
  }
}).listen(process.env.PORT ?? 3000, '127.0.0.1')
