/**
 * The upload page: takes files, sends six at a time, and says in the reader's language what became of each.
 *
 * Signing, sending and trying again belong to client.js, one file's looks to page-row.js, the words to page-words.js,
 * what the route takes to page-limits.js. Nothing is remembered, and the ticket of a link (`#ticket=…`) least of all.
 */

import { upload } from './client.js'
import { ask, objection, surplus } from './page-limits.js'
import { build, canRetry, copyLink, firstAction, isActive, isSending, show } from './page-row.js'
import { language, percent, subjectOf, terms, text, visible, words } from './page-words.js'

/** @typedef {import('./page-row.js').Row} Row */

/** As many connections as browsers open to one host. */
const AT_ONCE = 6

const route = new URLSearchParams(location.search).get('route') ?? undefined
const by = (id) => document.getElementById(id)

/** @type {Row[]} */
let rows = []
/** @type {import('./page-limits.js').Limits} */
let limits = {}
/** @type {string | undefined} */
let ticket
/** @type {Promise<object[]> | undefined} */
let fetched

speak()
listen()
takeTicket()

// The queue: what waits is started as soon as there is room, and signed only then, so no grant grows old in line.

/** Takes what was chosen, dropped or pasted in one go. @param {{ file: File, isFolder?: boolean }[]} choice */
function take(choice) {
  choice.forEach(({ file, isFolder }, index) => {
    const row = { file, state: 'waiting', loaded: 0, again: false, element: build(file) }
    rows.push(row)
    by('rows').append(row.element)
    row.element.addEventListener('click', (event) => act(row, event.target.closest('[data-do]')?.dataset.do))
    const error = isFolder ? { code: 'folder', message: '' } : (objection(file, limits) ?? (index >= limits.max_files && surplus(limits)))
    if (error) fail(row, error)
    else change(row, 'waiting')
  })
  pump()
}

function pump() {
  const room = AT_ONCE - rows.filter(isSending).length
  rows.filter((row) => row.state === 'waiting').slice(0, Math.max(0, room)).forEach(start)
}

async function start(row) {
  row.controller = new AbortController()
  row.loaded = 0
  row.again = false
  change(row, 'sending')
  try {
    row.stored = await upload(row.file, {
      route,
      headers: authorization,
      signal: row.controller.signal,
      onProgress: ({ loaded }) => advance(row, loaded),
      onRetry: () => interrupt(row),
    })
    change(row, 'done')
  } catch (error) {
    if (error.code === 'aborted') change(row, 'cancelled')
    else fail(row, await diagnose(error, row.file))
  }
  pump()
  advise(row)
}

function act(row, action) {
  if (action === 'cancel' && row.state === 'waiting') change(row, 'cancelled')
  else if (action === 'cancel') row.controller.abort()
  else if (action === 'retry') retry([row])
  else if (action === 'remove') remove([row])
  else if (action === 'copy') copyLink(row).then((said) => (by('news').textContent = said))
}

function retry(some) {
  for (const row of some) {
    row.error = row.stored = undefined
    change(row, 'waiting')
  }
  pump()
}

function remove(some) {
  const held = some.some((row) => row.element.contains(document.activeElement)) || document.activeElement === by('clear')
  const next = rows.slice(rows.indexOf(some.at(-1)) + 1).find((row) => !some.includes(row))
  rows = rows.filter((row) => !some.includes(row))
  some.forEach((row) => row.element.remove())
  overview()
  if (held) (next ? firstAction(next) : by('choose')).focus()
}

function fail(row, error) {
  row.error = error
  row.stored = error.code === 'callback_failed' ? { key: error.key, url: error.url } : undefined
  change(row, 'failed')
}

/** Adds what the client cannot know: whether it had a ticket, and what a lost network is. */
async function diagnose(error, file) {
  error.hadTicket = Boolean(ticket)
  if (error.code !== 'network') return error
  if (!navigator.onLine) return { code: 'offline', message: error.message }
  try {
    await file.slice(0, 1).arrayBuffer()
    return error
  } catch {
    return { code: 'unreadable', message: error.message }
  }
}

/** Says beside the code of OSS what causes such a refusal and what helps. */
async function advise(row) {
  const { error } = row
  if (!error?.ec && !/^[A-Z]/.test(error?.code)) return // Not of OSS.
  const table = await refusals()
  const same = ({ code }) => code === error.code
  const known = table.find(({ ec }) => ec && ec === error.ec) ?? table.find((entry) => same(entry) && !entry.ec) ?? table.find(same)
  if (!known || row.error !== error) return
  error.advice = [known.cause[language], known.remedy[language]].join(language === 'zh' ? '' : ' ')
  show(row)
}

/** Fetches the table once, when it is wanted for the first time; without it the words have to do. */
function refusals() {
  const none = () => (fetched = undefined) ?? []
  return (fetched ??= fetch('./oss-errors.json').then((answer) => answer.json()).catch(none))
}

// Showing.

function change(row, state) {
  const focused = document.activeElement
  row.state = state
  show(row)
  overview()
  if (focused.hidden && row.element.contains(focused)) firstAction(row).focus()
  if (!isActive(row)) by('news').textContent = text.news(row.file.name, row.error ? words(row.error) : text[state])
}

/** Moves the bar forward only: what has to be sent again is seen again when it gets further. */
function advance(row, loaded) {
  if (loaded <= row.loaded) return
  row.loaded = loaded
  row.again = false
  show(row)
  overview()
}

function interrupt(row) {
  row.again = true
  show(row)
}

function overview() {
  const done = rows.filter((row) => row.state === 'done').length
  const lost = rows.filter((row) => row.state === 'failed' || row.state === 'cancelled').length
  const active = rows.filter(isActive)
  document.body.classList.toggle('started', rows.length > 0)
  by('queue').hidden = !rows.length
  by('tally').textContent = text.tally(rows.length, done, lost)
  by('retry-all').hidden = rows.filter(canRetry).length < 2
  by('clear').hidden = !done
  document.title = active.length ? `${percent.format(share())} · ${text.title}` : text.title
  window.onbeforeunload = active.length ? () => true : null
}

/** How much of what is under way or done has been sent, from 0 to 1. */
function share() {
  const wanted = rows.filter((row) => isActive(row) || row.state === 'done')
  const total = wanted.reduce((sum, row) => sum + row.file.size, 0)
  const loaded = wanted.reduce((sum, row) => sum + (isActive(row) ? row.loaded : row.file.size), 0)
  return total ? loaded / total : 0
}

// Who asks, and what they may send.

/** Takes the ticket of the link that led here, out of the address and so out of the browser's history. */
function takeTicket() {
  const given = new URLSearchParams(location.hash.slice(1)).get('ticket')
  if (given) {
    ticket = given
    history.replaceState(null, '', location.pathname + location.search)
    nameHolder(subjectOf(given))
  }
  tellLimits()
}

/**
 * Says for whom the link uploads: whoever sent it may have made it for a directory of their own. The name is somebody's
 * words, so it is set as text, and cannot change the direction of what stands around it.
 */
function nameHolder(subject) {
  const name = document.createElement('bdi')
  name.textContent = subject && visible(subject)
  const [before, after] = text.holder
  by('holder').replaceChildren(...(subject ? [before, name, after] : [text.unnamed]))
  by('holder').hidden = false
}

function authorization() {
  return ticket ? { authorization: `Bearer ${ticket}` } : {}
}

async function tellLimits() {
  const said = await ask(route, authorization())
  limits = said.error ? {} : said
  by('files').multiple = limits.max_files !== 1
  by('files').accept = limits.accept ?? ''
  by('limits').textContent = said.error ? words({ code: said.error, message: said.message }) : limits.max_size ? terms(limits) : ''
  by('limits').classList.toggle('alarm', Boolean(said.error))
}

// Starting.

function speak() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  document.title = text.title
  for (const root of [document, by('row').content]) {
    for (const element of root.querySelectorAll('[data-text]')) element.textContent = text[element.dataset.text]
  }
  by('page').hidden = false
}

function listen() {
  by('choose').addEventListener('click', () => by('files').click())
  by('files').addEventListener('change', ({ target }) => {
    take(Array.from(target.files, (file) => ({ file })))
    target.value = '' // So that the same file can be chosen again.
  })
  by('retry-all').addEventListener('click', () => {
    const some = rows.filter(canRetry)
    retry(some)
    firstAction(some[0]).focus()
  })
  by('clear').addEventListener('click', () => remove(rows.filter((row) => row.state === 'done')))
  addEventListener('hashchange', takeTicket)
  addEventListener('online', () => retry(rows.filter((row) => row.error?.code === 'offline')))
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
  event.dataTransfer.dropEffect = 'copy'
  by('drop').hidden = false
}

function land() {
  by('drop').hidden = true
}

function unpack({ items }) {
  const files = [...items].filter((item) => item.kind === 'file')
  take(files.map((item) => ({ file: item.getAsFile(), isFolder: item.webkitGetAsEntry?.()?.isDirectory })))
}
