/**
 * The limits of the route: fetched from the function once, shown before a file is chosen, and compared with each file
 * before it is sent. Where the function does not give them, every file is sent and the function decides.
 */

/**
 * @typedef {object} Limits
 * @property {number} [min_size]
 * @property {number} [max_size]
 * @property {string[]} [types] as image/png or image/*; empty accepts all
 * @property {string[]} [extensions] without a dot; empty accepts all
 * @property {number} [max_files] of one choice
 * @property {string} [accept] for the file picker
 * @property {{ name: string, required: boolean, pattern?: string }[]} [metadata]
 * @property {('jwt' | 'ticket')[]} [auth] the credentials of which a caller has to present one; empty needs none
 * @property {boolean} [public_read] everybody may read what is uploaded
 */

const UNSENT = 'Found by this page; nothing was sent.'

/**
 * Fetches the limits of a route; `{}` where the function does not give them.
 * @param {string} base the address of the signer, with a last slash
 * @param {string} [route] @param {Record<string, string>} [headers] @returns {Promise<Limits & { error?: string }>}
 */
export async function fetchLimits(base, route = 'default', headers) {
  try {
    const answer = await fetch(`${base}routes/${encodeURIComponent(route)}`, { headers })
    const limits = await answer.json()
    return answer.ok || limits.error === 'route_not_found' ? limits : {}
  } catch {
    return {}
  }
}

/**
 * Finds what keeps everybody from uploading here.
 * @param {Limits & { error?: string }} limits @param {boolean} hasTicket @returns {string | undefined} a code
 */
export function obstacle({ error, auth }, hasTicket) {
  if (error) return error
  if (auth?.length && !hasTicket) return 'ticket_missing'
}

/**
 * Finds why the function would refuse a file. What only the function can know is left to it.
 * @param {File} file @param {Limits} limits @returns {{ code: string, message: string, limits: Limits } | undefined}
 */
export function objection({ name, size, type }, limits) {
  const { min_size = 0, max_size = Infinity, types, extensions } = limits
  const because = (code) => ({ code, message: UNSENT, limits })
  if (size > max_size) return because('file_too_large')
  if (size < min_size) return because('file_too_small')
  if (extensions?.length && !extensions.includes(ending(name))) return because('extension_not_allowed')
  if (types?.length && type && !types.some((one) => covers(one, type))) return because('type_not_allowed')
}

/** Makes the error of a file beyond the number of files that the route accepts at a time. */
export function surplus(limits) {
  return { code: 'too_many_files', message: UNSENT, limits }
}

function ending(name) {
  return name.includes('.') ? name.split('.').at(-1).toLowerCase() : ''
}

function covers(allowed, type) {
  const [whole] = type.toLowerCase().split(';')
  return allowed.endsWith('/*') ? whole.startsWith(allowed.slice(0, -1)) : whole === allowed
}
