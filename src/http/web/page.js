/**
 * The upload page: takes files and a ticket, shows the limits of its route, and says what became of each file.
 *
 * The files in the list belong to page-queue.js, one file's looks to page-row.js, the texts to page-words.js, the limits
 * to page-limits.js. Nothing is stored in the browser, and above all not the ticket of a link (`#ticket=…`).
 */

import { fetchLimits, obstacle } from './page-limits.js'
import { Queue } from './page-queue.js'
import { canRetry, firstAction, isActive, isLost, isStored } from './page-row.js'
import { duration, language, percent, sent, setLanguage, size, subjectOf, terms, text, visible, words } from './page-words.js'

/** One file smaller than this needs no bar beside its own. */
const LARGE = 10_000_000

/** Header values are ASCII, so without another pattern a metadata value is too. */
const ASCII = '[ -~]*'

const route = new URLSearchParams(location.search).get('route') ?? undefined
const by = (id) => document.getElementById(id)

/** @type {string | undefined} */
let ticket
/** The code of what keeps everybody from uploading here. @type {string | undefined} */
let closed

const queue = new Queue({
  base: './',
  list: by('rows'),
  template: by('row'),
  options: () => ({ route, headers: authorization(), metadata: metadata() }),
  isReady: () => by('fields').checkValidity(),
  hasTicket: () => Boolean(ticket),
  fallback: () => by('choose'),
  announce: (news) => (by('news').textContent = news),
  changed: overview,
})

setLanguage(navigator.languages)
showTexts()
listen()
takeTicket()

// The list.

function overview() {
  const { rows } = queue
  const stored = rows.filter(isStored).length
  const lost = rows.filter(isLost).length
  const unconfirmed = rows.filter((row) => row.state === 'unconfirmed').length
  const isBusy = rows.some(isActive)
  document.body.classList.toggle('started', rows.length > 0)
  by('queue').hidden = !rows.length
  by('tally').textContent = text.tally(rows.length, stored, unconfirmed, lost)
  by('retry-all').hidden = rows.filter(canRetry).length < 2
  by('clear-done').hidden = !stored
  by('clear-failed').hidden = !lost
  window.onbeforeunload = isBusy ? () => true : null
  showProgress(isBusy)
}

function showProgress(isBusy) {
  const { files, loaded, total, speed, left } = queue.progress()
  document.title = isBusy ? `${percent.format(total ? loaded / total : 0)} · ${text.title}` : text.title
  by('overall').hidden = !isBusy || (files < 2 && total < LARGE)
  by('overall-bar').value = total ? loaded / total : 0
  by('overall-text').textContent = [sent(loaded, total), speed && text.speed(size(speed)), left && text.left(duration(left))].filter(Boolean).join(' · ')
}

// The caller, and the limits.

/** Takes the ticket of a link out of the address, and so out of the browser's history. */
function takeTicket() {
  const given = new URLSearchParams(location.hash.slice(1)).get('ticket')
  if (given) {
    ticket = given
    history.replaceState(null, '', location.pathname + location.search)
    showHolder(subjectOf(given))
  }
  showLimits()
}

/**
 * Shows for whom the link uploads: its sender may have made it for a directory of their own. The name comes from outside,
 * so it is set as text, and cannot change the direction of the text around it.
 */
function showHolder(subject) {
  const name = document.createElement('bdi')
  name.textContent = subject && visible(subject)
  const [before, after] = text.holder
  by('holder').replaceChildren(...(subject ? [before, name, after] : [text.unnamed]))
  by('holder').hidden = false
}

function authorization() {
  return ticket ? { authorization: `Bearer ${ticket}` } : {}
}

async function showLimits() {
  const limits = await fetchLimits('./', route, authorization())
  closed = obstacle(limits, Boolean(ticket))
  queue.limits = limits.error ? {} : limits
  by('files').multiple = limits.max_files !== 1
  by('files').accept = limits.accept ?? ''
  by('limits').textContent = !closed && limits.max_size ? terms(limits) : ''
  by('closed').textContent = closed ? words({ code: closed, message: limits.message }) : ''
  by('closed').hidden = !closed
  by('choose').disabled = Boolean(closed)
  by('hint').hidden = Boolean(closed)
  by('picker').classList.toggle('closed', Boolean(closed))
  showFields(closed ? [] : (limits.metadata ?? []).filter(({ required }) => required))
  queue.pump()
}

/** Shows a field for each metadata value that the route needs, and keeps what was typed. */
function showFields(rules) {
  const typed = metadata()
  const fields = rules.map(({ name, pattern }) => {
    const label = document.createElement('label')
    const input = document.createElement('input')
    Object.assign(input, { name, required: true, pattern: pattern ?? ASCII, title: pattern ?? text.ascii, value: typed?.[name] ?? '', autocomplete: 'off' })
    label.append(visible(name), input)
    return label
  })
  by('fields').replaceChildren(...(fields.length ? [by('fields').querySelector('p') ?? heading(), ...fields] : []))
  by('fields').hidden = !fields.length
}

function heading() {
  return Object.assign(document.createElement('p'), { textContent: text.fields })
}

function metadata() {
  const values = [...by('fields').querySelectorAll('input')].map(({ name, value }) => [name, value.trim()])
  return values.length ? Object.fromEntries(values) : undefined
}

// Starting.

function showTexts() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  document.title = text.title
  for (const root of [document, by('row').content]) {
    for (const element of root.querySelectorAll('[data-text]')) element.textContent = text[element.dataset.text]
  }
  by('overall-bar').setAttribute('aria-label', text.overall)
  by('page').hidden = false
}

function listen() {
  by('choose').addEventListener('click', () => by('fields').reportValidity() && by('files').click())
  by('files').addEventListener('change', ({ target }) => {
    queue.add(Array.from(target.files, (file) => ({ file })))
    target.value = '' // So that the same file can be chosen again.
  })
  by('fields').addEventListener('change', () => queue.pump())
  by('fields').addEventListener('submit', (event) => {
    event.preventDefault()
    queue.pump()
  })
  by('retry-all').addEventListener('click', () => {
    const rows = queue.rows.filter(canRetry)
    queue.retry(rows)
    firstAction(rows[0]).focus()
  })
  by('clear-done').addEventListener('click', ({ target }) => queue.hide(queue.rows.filter(isStored), target))
  by('clear-failed').addEventListener('click', ({ target }) => queue.hide(queue.rows.filter(isLost), target))
  addEventListener('hashchange', takeTicket)
  addEventListener('online', () => queue.retry(queue.rows.filter((row) => row.error?.code === 'offline')))
  addEventListener('paste', ({ clipboardData }) => unpack(clipboardData))
  addEventListener('dragover', hover)
  addEventListener('dragleave', ({ relatedTarget }) => relatedTarget || land())
  addEventListener('drop', (event) => {
    event.preventDefault()
    land()
    unpack(event.dataTransfer)
  })
}

function hover(event) {
  if (!event.dataTransfer.types.includes('Files')) return
  event.preventDefault()
  event.dataTransfer.dropEffect = closed ? 'none' : 'copy'
  by('drop').hidden = Boolean(closed)
}

function land() {
  by('drop').hidden = true
}

function unpack({ items }) {
  const files = [...items].filter((item) => item.kind === 'file')
  if (!files.length) return
  if (closed) by('news').textContent = by('closed').textContent
  else queue.add(files.map((item) => ({ file: item.getAsFile(), isFolder: item.webkitGetAsEntry?.()?.isDirectory })))
  if (!by('fields').checkValidity()) by('fields').reportValidity()
}
