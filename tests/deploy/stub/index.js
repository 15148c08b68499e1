/*
 * Stands where the component fc3 would, which the CLI fetches from the network: the CLI does everything else
 * for real. It has our schema to be verified by, and deploying is writing down what it was given.
 */

const { readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')

module.exports = class Stub {
  async getSchema() {
    return readFileSync(join(__dirname, '..', 'fc3.schema.json'), 'utf8')
  }

  async deploy(inputs) {
    writeFileSync(process.env.DEPLOYED_PROPS, JSON.stringify(inputs.props))
    return {}
  }
}
