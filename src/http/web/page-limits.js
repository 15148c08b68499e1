/**
 * What the route takes: asked of the function once, told before anything is chosen, and held against each file before
 * anything is sent. A function that does not say lets every file through to its own verdict.
 */

/**
 * @typedef {object} Limits
 * @property {number} [min_size]
 * @property {number} [max_size]
 * @property {string[]} [types] as image/png or image/*; none is all
 * @property {string[]} [extensions] without a dot; none is all
 * @property {number} [max_files] of one choice
 * @property {string} [accept] for the file picker
 */

const UNSENT = 'Found by this page; nothing was sent.'

/**
 * Asks for the limits of a route: `{}` where they are not told.
 * @param {string} [route] @param {Record<string, string>} [headers] @returns {Promise<Limits & { error?: string }>}
 */
export async function ask(route = 'default', headers) {
  try {
    const answer = await fetch(`./routes/${encodeURIComponent(route)}`, { headers })
    const said = await answer.json()
    return answer.ok || said.error === 'route_not_found' ? said : {}
  } catch {
    return {}
  }
}

/**
 * Says why the function would refuse a file, as it would say it. What only the function can tell is left to it.
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

/** Says that one choice holds more files than the route takes at a time. */
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
