/**
 * The large files that were not finished in this browser: a list that says how to go on. page-view.js loads this file when
 * there are any.
 */

import { language, sent, text, visible } from './page-words.js'

/**
 * Fills the list, or hides it.
 * @param {HTMLElement} place @param {() => object} options of the client @param {(news: string) => void} announce
 * @param {HTMLElement} fallback gets the focus when the last line is discarded
 */
export async function list(place, options, announce, fallback) {
  const { discard, unfinished } = await import('./multipart.js')
  const lines = unfinished(options()).map((upload) => lineOf(upload, (line) => drop(upload, line)))
  const heading = Object.assign(document.createElement('p'), { id: 'unfinished-heading', textContent: text.unfinished })
  const all = document.createElement('ul')
  all.setAttribute('aria-labelledby', heading.id)
  all.append(...lines)
  place.replaceChildren(heading, all)
  place.hidden = !lines.length
  new MutationObserver(() => (place.hidden = !all.children.length)).observe(all, { childList: true })

  function drop(upload, line) {
    const next = line.nextElementSibling ?? line.previousElementSibling
    line.remove()
    ;(next?.querySelector('button') ?? fallback).focus()
    announce(text.discarded(visible(upload.name)))
    discard(upload, options()).catch(() => {}) // The bucket removes the parts in time.
  }
}

function lineOf({ token, name, size, loaded, until }, onDiscard) {
  const line = document.createElement('li')
  const time = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' }).format(until)
  const title = Object.assign(document.createElement('bdi'), { textContent: visible(name) })
  const about = Object.assign(document.createElement('span'), { textContent: text.until(sent(loaded, size), time) })
  const button = Object.assign(document.createElement('button'), { type: 'button', textContent: text.discard })
  button.setAttribute('aria-label', text.label(text.discard, visible(name)))
  button.addEventListener('click', () => onDiscard(line))
  line.dataset.token = token
  line.append(title, about, button)
  return line
}
