import { fileURLToPath } from 'node:url'

/** Static pages, which one worker renders during the build. The packages are in the folder above. */
export default { output: 'export', turbopack: { root: fileURLToPath(new URL('..', import.meta.url)) }, experimental: { cpus: 1 } }
