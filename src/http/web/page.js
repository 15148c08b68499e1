/**
 * The upload page: takes the route and the ticket of its address, shows for whom the ticket is, and takes files that are
 * dropped or pasted anywhere in the window. The picker and the list belong to page-view.js.
 *
 * Nothing is stored in the browser but the tokens of large files that were not finished (multipart.js), and above all not
 * the ticket of a link (`#ticket=…`).
 */

import { applyTheme, title as ownTitle } from './page-theme.js'
import { View } from './page-view.js'
import { language, percent, setLanguage, subjectOf, text, visible } from './page-words.js'

const route = new URLSearchParams(location.search).get('route') ?? undefined
const by = (id) => document.getElementById(id)

/** @type {string | undefined} */
let ticket

setLanguage(navigator.languages)
document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
const title = ownTitle ?? text.title
document.title = title
applyTheme()

const view = new View(document, {
  base: () => './',
  options: () => ({ route, headers: ticket ? { authorization: `Bearer ${ticket}` } : {} }),
  hasTicket: () => Boolean(ticket),
  changed({ isBusy, share }) {
    document.title = isBusy ? `${percent.format(share)} · ${title}` : title
    window.onbeforeunload = isBusy ? () => true : null
  },
})

by('title').textContent = title
by('page').hidden = false
addEventListener('hashchange', takeTicket)
addEventListener('paste', ({ clipboardData }) => view.unpack(clipboardData))
addEventListener('dragover', hover)
addEventListener('dragleave', ({ relatedTarget }) => relatedTarget || land())
addEventListener('drop', (event) => {
  event.preventDefault()
  land()
  view.unpack(event.dataTransfer)
})
takeTicket()

/** Takes the ticket of a link out of the address, and so out of the browser's history. */
function takeTicket() {
  const given = new URLSearchParams(location.hash.slice(1)).get('ticket')
  if (given) {
    ticket = given
    history.replaceState(null, '', location.pathname + location.search)
    showHolder(subjectOf(given))
  }
  view.showLimits()
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

function hover(event) {
  if (!event.dataTransfer.types.includes('Files')) return
  event.preventDefault()
  event.dataTransfer.dropEffect = view.closed ? 'none' : 'copy'
  by('drop').hidden = Boolean(view.closed)
}

function land() {
  by('drop').hidden = true
}
