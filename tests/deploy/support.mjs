/*
 * The CLI as a child process with a home of its own and no network, our schemas, and the function as the
 * platform would start it.
 */

import { Ajv } from 'ajv'
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export const HERE = dirname(fileURLToPath(import.meta.url))
export const REPOSITORY = join(HERE, '..', '..')

const CLI = join(HERE, 'node_modules', '@serverless-devs', 's', 'bin', 's')
const STUB = join(HERE, 'stub')

/** A folder that ends with its test. */
export async function folder(context) {
  const path = await mkdtemp(join(tmpdir(), 'oss-upload-deploy-'))
  context.after(() => rm(path, { recursive: true, force: true }))
  return path
}

/** Compiles one of our schemas; what comes back returns the complaints, and none when all is well. */
export async function schema(name) {
  const validate = new Ajv({ allErrors: true, strict: false }).compile(JSON.parse(await readFile(join(HERE, name), 'utf8')))
  return (value) => (validate(value) ? [] : validate.errors.map((error) => `${error.instancePath} ${error.message}`))
}

/**
 * Runs the CLI to its end, and returns what it said and which hosts it asked for.
 *
 * Outside of tests it reports each command and looks for news of itself in processes that outlive it;
 * NODE_ENV keeps it from both, and the guard notes whatever still asks the network.
 */
export async function cli(home, args, { cwd = home, variables = {}, patience = 60_000 } = {}) {
  const network = join(home, 'network')
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    NODE_ENV: 'test',
    NODE_OPTIONS: `--require ${join(HERE, 'guard.cjs')}`,
    NETWORK_LOG: network,
    DEPLOYED_PROPS: join(home, 'props.json'),
    ...variables,
  }
  const options = { cwd, env, timeout: patience, killSignal: 'SIGKILL', maxBuffer: 1 << 24 }
  const { error, stdout, stderr } = await new Promise((resolve) => {
    execFile(process.execPath, [CLI, ...args], options, (error, stdout, stderr) => resolve({ error, stdout, stderr }))
  })
  assert.ok(!error?.killed, `s ${args[0]} did not end`)
  const asked = await readFile(network, 'utf8').catch(() => '')
  return { code: error ? error.code : 0, said: stdout + stderr, asked }
}

/** The same, where nothing may go wrong. */
export async function runs(home, args, options) {
  const { code, said, asked } = await cli(home, args, options)
  assert.equal(code, 0, said)
  assert.equal(asked, '', `s ${args[0]} asked the network`)
  return said
}

/** The same, where something has to go wrong, and the network is not it. */
export async function fails(home, args, options) {
  const { code, said, asked } = await cli(home, args, options)
  assert.notEqual(code, 0, said)
  assert.equal(asked, '', `s ${args[0]} asked the network`)
  return said
}

/** The same deployment with our stub for the component, and nothing else changed. */
export function stubbed(yaml) {
  const changed = yaml.replace(/^ {4}component: fc3$/m, `    component: ${STUB}`)
  assert.notEqual(changed, yaml)
  return changed
}

/** What the component was given at the last deploy. */
export async function deployed(home) {
  return JSON.parse(await readFile(join(home, 'props.json'), 'utf8'))
}

async function freePort() {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Starts a code folder by its bootstrap, with what it was deployed with and what the platform adds.
 * Answers with its address; it ends with its test.
 */
export async function start(context, code, props) {
  const port = await freePort()
  const child = spawn(join(code, 'bootstrap'), [], {
    cwd: code,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: '/usr/bin:/bin',
      FC_CUSTOM_LISTEN_PORT: String(port),
      FC_FUNCTION_NAME: props.functionName,
      FC_REGION: props.region,
      ALIBABA_CLOUD_ACCESS_KEY_ID: 'STS.DeployTests',
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: 'DeployTestsSecret',
      ALIBABA_CLOUD_SECURITY_TOKEN: 'DeployTestsToken',
      ...props.environmentVariables,
    },
  })
  const exit = once(child, 'exit')
  context.after(async () => {
    child.kill('SIGKILL')
    await exit
  })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text) => { complaints += text })
  // Lines after that one are read too, or the function would wait for a reader.
  const lines = createInterface({ input: child.stdout })
  await new Promise((resolve, reject) => {
    lines.on('line', (line) => line.includes('listening') && resolve())
    child.once('close', (code) => reject(new Error(`the function ended with ${code}: ${complaints}`)))
  })
  return `http://127.0.0.1:${port}`
}
