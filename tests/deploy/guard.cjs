/*
 * Loaded into every process of the CLI: refuses to leave this machine, and notes each attempt.
 */

const { appendFileSync } = require('node:fs')
const dns = require('node:dns')
const net = require('node:net')

function refuse(where) {
  appendFileSync(process.env.NETWORK_LOG, `${where}\n`)
  return Object.assign(new Error(`no network in this test: ${where}`), { code: 'ENOTFOUND' })
}

dns.lookup = (host, ...rest) => process.nextTick(rest.at(-1), refuse(host))

const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) {
  const [options] = Array.isArray(args[0]) ? args[0] : args
  // A path is a socket of this machine; a name is caught when it is looked up.
  const host = typeof options === 'object' ? options.host : undefined
  if (host && net.isIP(host) && !host.startsWith('127.')) return this.destroy(refuse(host))
  return connect.apply(this, args)
}
