// A small function in another language, for the rehearsal: responds with the access key id of the request.
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  const key = request.headers['x-fc-access-key-id'] || process.env.ALIBABA_CLOUD_ACCESS_KEY_ID
  console.log(`${request.headers['x-fc-request-id']} ${request.method}`)
  request.resume().on('end', () => response.end(`${key}\n`))
})

// The platform keeps connections; a function that closes them first loses requests.
server.keepAliveTimeout = 0
server.requestTimeout = 0
server.listen(process.env.FC_CUSTOM_LISTEN_PORT, '0.0.0.0')

process.on('SIGTERM', () => process.exit())
