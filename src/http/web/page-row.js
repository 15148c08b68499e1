/**
 * One chosen file in the list: its looks in each state, and the actions that it offers. Names and answers are shown as
 * text only, never as markup.
 */

import { sent, size, text, words } from './page-words.js'

/** @typedef {'waiting' | 'sending' | 'paused' | 'done' | 'unconfirmed' | 'failed' | 'cancelled'} State */
/**
 * @typedef {object} Row one chosen file and its element
 * @property {File} file
 * @property {State} state `unconfirmed` is stored, but its upload callback failed
 * @property {number} loaded bytes sent so far; of several tries those of the one that got furthest
 * @property {boolean} again another try has started and has not got further yet
 * @property {boolean} held it waits for the fields of the page
 * @property {boolean} inParts it can be paused
 * @property {boolean} isPublic everybody may read the stored file, so its link works
 * @property {HTMLElement} element
 * @property {import('./client.js').Task} [task] from the start to the end of its upload
 * @property {{ key: string, url: string, result?: { id?: unknown } }} [stored] set once OSS has the file
 * @property {{ code: string, message: string, advice?: string }} [error] the failure of the last attempt
 */

const LARGEST_PREVIEW = 24 * 1024 * 1024
const PREVIEWS = ['image/avif', 'image/gif', 'image/jpeg', 'image/png', 'image/webp']

/** The actions of a row; some depend on more than its state. @type {Record<State, string[]>} */
const ACTIONS = {
  waiting: ['cancel'],
  sending: ['pause', 'cancel'],
  paused: ['resume', 'cancel'],
  done: ['copy', 'open', 'hide'],
  unconfirmed: ['copy', 'open', 'hide'],
  failed: ['retry', 'hide'],
  cancelled: ['retry', 'hide'],
}

/** Refusals that another try of the same file does not change. */
const FINAL = [
  'file_too_large', 'file_too_small', 'type_not_allowed', 'type_required', 'extension_not_allowed', 'folder', 'unreadable',
  'EntityTooLarge', 'EntityTooSmall',
]

export const isSending = (row) => row.state === 'sending'
export const isActive = (row) => isSending(row) || row.state === 'waiting'
export const isStored = (row) => row.state === 'done' || row.state === 'unconfirmed'
export const isLost = (row) => row.state === 'failed' || row.state === 'cancelled'
export const canRetry = (row) => isLost(row) && !FINAL.includes(row.error?.code)
export const firstAction = (row) => row.element.querySelector('[data-do]:not([hidden])')

/** Makes the element of a file. @param {HTMLTemplateElement} template */
export function build(file, template) {
  const element = template.content.firstElementChild.cloneNode(true)
  element.querySelector('.name').textContent = file.name
  element.querySelector('progress').setAttribute('aria-label', text.progress(file.name))
  element.querySelector('summary').setAttribute('aria-label', text.label(text.details, file.name))
  for (const button of element.querySelectorAll('[data-do]')) {
    button.setAttribute('aria-label', text.label(button.textContent, file.name))
  }
  preview(file, element.querySelector('.badge'))
  return element
}

function preview(file, badge) {
  const [, ending = ''] = file.name.match(/\.([^.]{1,4})$/) ?? []
  badge.textContent = ending.toUpperCase() || '·'
  if (!PREVIEWS.includes(file.type) || file.size > LARGEST_PREVIEW) return
  const image = new Image()
  image.alt = ''
  image.src = URL.createObjectURL(file)
  const show = () => badge.replaceChildren(image)
  const keep = () => {} // Not a picture after all: the ending stays.
  image.decode().then(show, keep).finally(() => URL.revokeObjectURL(image.src))
}

/** Updates the element of a row. @param {Row} row */
export function show(row) {
  const { element, file, state, loaded, stored, error } = row
  const part = (selector) => element.querySelector(selector)
  element.dataset.state = state
  part('.state').textContent = summary(row)
  part('progress').hidden = state !== 'sending' && state !== 'paused'
  part('progress').value = file.size ? loaded / file.size : 0
  part('.words').hidden = !error
  part('details').hidden = !stored && !error
  fill(part('.stored'), 'code', stored?.key)
  fill(part('.code'), 'code', error && (error.code ?? error.name))
  if (error) explain(part, error)
  if (stored) part('[data-do=open]').href = stored.url
  for (const button of element.querySelectorAll('[data-do]')) button.hidden = !offers(row, button.dataset.do)
}

/** Sets the text of a line, or hides the line where there is none. */
function fill(line, selector, content) {
  line.hidden = !content
  line.querySelector(selector).textContent = content ?? ''
}

function offers(row, action) {
  if (!ACTIONS[row.state].includes(action)) return false
  if (action === 'retry') return canRetry(row)
  if (action === 'pause') return row.inParts
  return action === 'copy' || action === 'open' ? row.isPublic : true
}

function summary({ file, state, loaded, again, held, stored }) {
  const total = size(file.size)
  if (state === 'waiting' && held) return `${total} · ${text.incomplete}`
  if (state === 'done' && isName(stored.result?.id)) return `${total} · ${text.done} · ${text.record(stored.result.id)}`
  if (state === 'paused') return `${sent(loaded, file.size)} · ${text.paused}`
  if (state !== 'sending') return `${total} · ${text[state]}`
  if (again) return `${total} · ${text.again}`
  if (!loaded) return `${total} · ${text.preparing}`
  if (loaded >= file.size) return `${total} · ${text.finishing}`
  return sent(loaded, file.size)
}

/** Only what is short and readable: an application may call anything its `id`. */
function isName(id) {
  return /^[\w-]{1,40}$/.test(id ?? '')
}

function explain(part, error) {
  const more = [error.message, error.ec, error.requestId && `${text.request} ${error.requestId}`]
  part('.words').textContent = words(error)
  part('.advice').hidden = !error.advice
  part('.advice').textContent = error.advice ?? ''
  part('.technical').textContent = more.filter(Boolean).join(' · ')
}

/** Copies the link of a stored file, and gives the text to announce. @param {Row} row */
export async function copyLink({ element, stored }) {
  const isCopied = await navigator.clipboard?.writeText(stored.url).then(() => true, () => false)
  if (!isCopied && !copyByHand(element, stored.url)) return text.copyByHand
  const button = element.querySelector('[data-do=copy]')
  button.textContent = text.copied
  setTimeout(() => (button.textContent = text.copy), 2000)
  return text.copied
}

/** The clipboard exists on https only. Elsewhere the link is shown, selected, and copied the old way if there is one. */
function copyByHand(element, link) {
  const place = element.querySelector('.stored code')
  const key = place.textContent
  const details = element.querySelector('details')
  const wasOpen = details.open
  details.open = true
  place.textContent = link
  getSelection().selectAllChildren(place)
  if (!document.execCommand?.('copy')) return false
  getSelection().removeAllRanges()
  place.textContent = key
  details.open = wasOpen
  return true
}
