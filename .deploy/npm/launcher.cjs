#!/usr/bin/env node
// The command `oss-upload`. The program is in the package of this platform, an optional dependency of this one.
'use strict'

const { spawn } = require('node:child_process')
const { constants } = require('node:os')

const name = `oss-upload-cli-${process.platform}-${process.arch}`
const file = process.platform === 'win32' ? 'oss-upload.exe' : 'oss-upload'

function fail(sentence) {
  console.error(`oss-upload: ${sentence}`)
  process.exit(1)
}

function findProgram() {
  try {
    return require.resolve(`${name}/bin/${file}`)
  } catch {
    return fail(
      `the package ${name} is not installed. Install oss-upload-cli without --omit=optional; if there is no ` +
        'such package for this platform, build the tool from its source with Rust',
    )
  }
}

const program = spawn(findProgram(), process.argv.slice(2), { stdio: 'inherit' })
program.on('error', (error) => fail(`${name} cannot be started: ${error.message}`))
// The program decides what a signal means, and this process ends after it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => program.kill(signal))
// The exit code of a program that a signal has ended, as a shell reports it.
program.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
