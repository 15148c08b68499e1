/*
 * The files of a release that `oss-upload package --release` has written to target/: the checksums, and the SBOM.
 */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { REPOSITORY } from './support.mjs'

const TARGET = join(REPOSITORY, 'target')
const SBOM = 'oss-upload-signer.cdx.json'
const ZIP = 'oss-upload-signer.zip'

const bom = JSON.parse(await readFile(join(TARGET, SBOM), 'utf8'))

async function sha256(name) {
  return createHash('sha256').update(await readFile(join(TARGET, name))).digest('hex')
}

/** The packages of Cargo.lock with their checksums. */
async function locked() {
  const lock = await readFile(join(REPOSITORY, 'Cargo.lock'), 'utf8')
  const packages = lock.matchAll(/^name = "(.*)"\nversion = "(.*)"\nsource = .*\nchecksum = "(.*)"$/gm)
  return new Map([...packages].map(([, name, version, checksum]) => [`pkg:cargo/${name}@${version}`, checksum]))
}

test('the checksums are those of the zip and of the SBOM, as sha256sum reads them', async () => {
  const lines = [`${await sha256(ZIP)}  ${ZIP}`, `${await sha256(SBOM)}  ${SBOM}`]
  assert.equal(await readFile(join(TARGET, 'SHA256SUMS'), 'utf8'), lines.join('\n') + '\n')
})

test('the SBOM describes the zip', async () => {
  assert.deepEqual([bom.bomFormat, bom.specVersion], ['CycloneDX', '1.5'])
  const { name, type, hashes } = bom.metadata.component
  assert.deepEqual([name, type, hashes], ['oss-upload-signer', 'application', [{ alg: 'SHA-256', content: await sha256(ZIP) }]])
})

test('each component has a licence, and those of the registry the checksum of Cargo.lock', async () => {
  const checksums = await locked()
  for (const { name, purl, hashes, licenses } of bom.components) {
    assert.match(licenses[0].expression, /^[A-Za-z0-9.+() -]+$/, name)
    if (name === 'fc-http') continue
    assert.deepEqual(hashes, [{ alg: 'SHA-256', content: checksums.get(purl) }], name)
  }
})

test('the SBOM has what is compiled into the function, and nothing of the tests, the tool or the compiler', () => {
  const names = bom.components.map((component) => component.name)
  for (const name of ['axum', 'fc-http', 'ring', 'rustls', 'serde', 'tokio']) assert.ok(names.includes(name), name)
  for (const name of ['clap', 'proptest', 'syn', 'tokio-macros', 'oss-emulator']) assert.ok(!names.includes(name), name)
})

test('each dependency is a component, and each component is a dependency', () => {
  const known = new Set([bom.metadata.component, ...bom.components].map((component) => component['bom-ref']))
  assert.deepEqual(bom.dependencies.map((one) => one.ref).sort(), [...known].sort())
  const used = new Set(bom.dependencies.flatMap((one) => one.dependsOn))
  assert.deepEqual([...used].sort(), bom.components.map((component) => component['bom-ref']).sort())
})
