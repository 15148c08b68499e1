import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

const records = new Map() // Use a table in which the event is a unique key.

export function save({ receipt_id, key }) {
  const event = [receipt_id, key].join(' ') // If an upload may overwrite another, add the etag.
  if (!records.has(event)) records.set(event, { id: `rec_${records.size + 1}`, key })
  return records.get(event)
}

export const suspects = [] // Use a queue. Check with HEAD, and delete only an object that does not match `granted`.

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
