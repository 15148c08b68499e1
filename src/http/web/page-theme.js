/**
 * The name and the looks that the settings give the page. The function writes them into its head; the colour is made
 * darker or lighter until texts in it can be read (4.5 : 1) on the page's grounds.
 */

const READABLE = 4.5

/** The ground of each scheme on which the accent colour has the least contrast, and where colours are moved to. */
const SCHEMES = { light: { ground: '#edf5f2', end: '#000000' }, dark: { ground: '#192624', end: '#ffffff' } }

/** How much further the colour is moved where the pointer is. */
const HOVER_STEP = 0.2

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content

/** The title of the settings. @type {string | undefined} */
export const title = meta('application-name')

/** Sets the colour and the logo. */
export function applyTheme() {
  const accent = meta('theme-color')
  for (const [name, { ground, end }] of accent ? Object.entries(SCHEMES) : []) {
    const color = readable(accent, ground, end)
    document.documentElement.style.setProperty(`--brand-${name}`, color)
    document.documentElement.style.setProperty(`--brand-${name}-deep`, mix(color, end, HOVER_STEP))
  }
  const logo = meta('page-logo')
  if (logo) document.getElementById('logo').src = logo
  document.getElementById('logo').hidden = !logo
}

function readable(color, ground, end) {
  const steps = Array.from({ length: 21 }, (_, step) => mix(color, end, step / 20))
  return steps.find((one) => contrast(one, ground) >= READABLE) ?? end
}

function mix(color, other, share) {
  const end = channels(other)
  return `#${channels(color).map((value, index) => Math.round(value + (end[index] - value) * share).toString(16).padStart(2, '0')).join('')}`
}

function channels(color) {
  return [1, 3, 5].map((start) => parseInt(color.slice(start, start + 2), 16))
}

/** The contrast of WCAG 2. */
function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(color) {
  const [red, green, blue] = channels(color).map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
