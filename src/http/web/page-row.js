/**
 * One chosen file on the upload page: how it looks in each state, and what can be done with it. Names and answers
 * are shown as text only, never as markup.
 */

import { percent, size, text, words } from './page-words.js'

/** @typedef {'waiting' | 'sending' | 'done' | 'failed' | 'cancelled'} State */
/**
 * @typedef {object} Row one chosen file and its place on the page
 * @property {File} file
 * @property {State} state
 * @property {number} loaded bytes sent so far, of all tries the one that got furthest
 * @property {boolean} again whether it is being tried again and has not got further yet
 * @property {HTMLElement} element
 * @property {AbortController} [controller] set while sending
 * @property {{ key: string, url: string, result?: { id?: unknown } }} [stored] set once OSS holds the file
 * @property {{ code: string, message: string, advice?: string }} [error] why the last attempt failed
 */

const LARGEST_PREVIEW = 24 * 1024 * 1024
const PREVIEWS = ['image/avif', 'image/gif', 'image/jpeg', 'image/png', 'image/webp']

/** What can be done with a row; retry and copy depend on more than its state. @type {Record<State, string[]>} */
const ACTIONS = {
  waiting: ['cancel'],
  sending: ['cancel'],
  done: ['open', 'remove'],
  failed: ['remove'],
  cancelled: ['remove'],
}

/** Refusals that the same file meets again; and one that stored the file, so that another try would be a second object. */
const FINAL = [
  'file_too_large', 'file_too_small', 'type_not_allowed', 'type_required', 'extension_not_allowed', 'folder', 'unreadable',
  'EntityTooLarge', 'EntityTooSmall', 'callback_failed',
]

export const isSending = (row) => row.state === 'sending'
export const isActive = (row) => isSending(row) || row.state === 'waiting'
export const canRetry = (row) => (row.state === 'failed' && !FINAL.includes(row.error.code)) || row.state === 'cancelled'
export const firstAction = (row) => row.element.querySelector('[data-do]:not([hidden])')

/** Makes the element of a file. */
export function build(file) {
  const element = document.getElementById('row').content.firstElementChild.cloneNode(true)
  element.querySelector('.name').textContent = file.name
  element.querySelector('progress').setAttribute('aria-label', text.progress(file.name))
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

/** Makes the element say what the row is. @param {Row} row */
export function show(row) {
  const { element, file, state, loaded, stored, error } = row
  const part = (selector) => element.querySelector(selector)
  const failed = state === 'failed'
  element.dataset.state = state
  part('.state').textContent = summary(row)
  part('progress').hidden = state !== 'sending'
  part('progress').value = file.size ? loaded / file.size : 0
  part('.stored').hidden = !stored
  part('.stored code').textContent = stored?.key ?? ''
  part('.trouble').hidden = !failed
  if (failed) explain(part, error)
  if (stored) part('[data-do=open]').href = stored.url
  for (const button of element.querySelectorAll('[data-do]')) button.hidden = !offers(row, button.dataset.do)
}

function offers(row, action) {
  if (action === 'retry') return canRetry(row)
  if (action === 'copy') return Boolean(row.stored) && !isActive(row)
  return ACTIONS[row.state].includes(action)
}

function summary({ file, state, loaded, again, stored }) {
  const total = size(file.size)
  if (state === 'failed' && stored) return `${total} · ${text.unconfirmed}`
  if (state === 'done' && isName(stored.result?.id)) return `${total} · ${text.done} · ${text.record(stored.result.id)}`
  if (state !== 'sending') return `${total} · ${text[state]}`
  if (again) return `${total} · ${text.again}`
  if (!loaded) return `${total} · ${text.preparing}`
  if (loaded >= file.size) return `${total} · ${text.finishing}`
  return text.sent(size(loaded), total, percent.format(loaded / file.size))
}

/** Only what can be read: an application may call anything its `id`. */
function isName(id) {
  return /^[\w-]{1,40}$/.test(id ?? '')
}

function explain(part, error) {
  const more = [error.message, error.ec, error.requestId && `${text.request} ${error.requestId}`]
  part('.words').textContent = words(error)
  part('summary code').textContent = error.code ?? error.name
  part('.advice').hidden = !error.advice
  part('.advice').textContent = error.advice ?? ''
  part('.technical').textContent = more.filter(Boolean).join(' · ')
}

/** Copies the link of a stored file, and gives what to tell about it. @param {Row} row */
export async function copyLink({ element, stored }) {
  const isCopied = await navigator.clipboard?.writeText(stored.url).then(() => true, () => false)
  if (!isCopied && !copyByHand(element.querySelector('.stored code'), stored.url)) return text.copyByHand
  const button = element.querySelector('[data-do=copy]')
  button.textContent = text.copied
  setTimeout(() => (button.textContent = text.copy), 2000)
  return text.copied
}

/** The clipboard is for https only; elsewhere the link is shown, selected, and copied the old way if there is one. */
function copyByHand(place, link) {
  const key = place.textContent
  place.textContent = link
  getSelection().selectAllChildren(place)
  if (!document.execCommand?.('copy')) return false
  getSelection().removeAllRanges()
  place.textContent = key
  return true
}
