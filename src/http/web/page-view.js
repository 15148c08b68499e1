/**
 * The picker and the list of the upload page: limits, fields for metadata, buttons, progress of all files. It fills the
 * markup of page.html, in the page as well as in the shadow tree of an element.
 */

import { fetchLimits, obstacle } from './page-limits.js'
import { Queue } from './page-queue.js'
import { canRetry, firstAction, isActive, isLost, isStored } from './page-row.js'
import { duration, sent, size, terms, text, visible, words } from './page-words.js'

/** One file smaller than this needs no bar beside its own. */
const LARGE = 10_000_000

/** Header values are ASCII, so without another pattern a metadata value is too. */
const ASCII = '[ -~]*'

/**
 * @typedef {object} Caller
 * @property {() => string} base gives the address of the signer, with a last slash
 * @property {() => object} options gives the options of the client; they are read for each file
 * @property {() => boolean} hasTicket
 * @property {(progress: { isBusy: boolean, share: number }) => void} [changed]
 * @property {(row: import('./page-row.js').Row) => void} [settled]
 */

export class View {
  /** The code of what keeps everybody from uploading here. @type {string | undefined} */
  closed

  /** @param {Document | ShadowRoot} root @param {Caller} caller */
  constructor(root, caller) {
    this.by = (id) => root.getElementById(id)
    this.caller = caller
    this.queue = new Queue({
      base: caller.base,
      list: this.by('rows'),
      template: this.by('row'),
      options: () => ({ ...caller.options(), metadata: this.#metadata() ?? caller.options().metadata }),
      isReady: () => this.by('fields').checkValidity(),
      hasTicket: caller.hasTicket,
      fallback: () => this.by('choose'),
      announce: (news) => this.announce(news),
      changed: () => this.#overview(),
      settled: caller.settled,
      began: (token) => this.by('unfinished').querySelector(`[data-token="${token}"]`)?.remove(),
    })
    this.#showTexts(root)
    this.#listen()
  }

  announce(news) {
    this.by('news').textContent = news
  }

  /** Takes the files of a drop or a paste. @param {DataTransfer} transfer */
  unpack({ items }) {
    const files = [...items].filter((item) => item.kind === 'file')
    if (!files.length) return
    if (this.closed) this.announce(this.by('closed').textContent)
    else this.queue.add(files.map((item) => ({ file: item.getAsFile(), isFolder: item.webkitGetAsEntry?.()?.isDirectory })))
    this.by('fields').reportValidity()
  }

  /** Fetches the limits of the route and shows them, or what keeps everybody from uploading. */
  async showLimits() {
    const { by, caller } = this
    const { route, headers } = caller.options()
    const limits = await fetchLimits(caller.base(), route, typeof headers === 'function' ? await headers() : headers)
    this.closed = obstacle(limits, caller.hasTicket())
    const isClosed = Boolean(this.closed)
    this.queue.limits = limits.error ? {} : limits
    by('files').multiple = limits.max_files !== 1
    by('files').accept = limits.accept ?? ''
    by('limits').textContent = !isClosed && limits.max_size ? terms(limits) : ''
    by('closed').textContent = isClosed ? words({ code: this.closed, message: limits.message }) : ''
    by('closed').hidden = !isClosed
    by('choose').disabled = isClosed
    by('hint').hidden = isClosed
    by('picker').classList.toggle('closed', isClosed)
    this.#showFields(isClosed ? [] : (limits.metadata ?? []).filter(({ name, required }) => required && !caller.options().metadata?.[name]))
    this.queue.pump()
    if (!isClosed) this.#showUnfinished()
  }

  /** Shows which large files were not finished in this browser, if there are any. */
  async #showUnfinished() {
    try {
      if (!Object.keys(localStorage).some((name) => name.startsWith('oss-upload:'))) return
      const { list } = await import('./page-unfinished.js')
      await list(this.by('unfinished'), this.caller.options, (news) => this.announce(news), this.by('choose'))
    } catch {
      // A closed storage, or no network: the file can be chosen all the same.
    }
  }

  /** Shows a field for each metadata value that the route needs, and keeps what was typed. */
  #showFields(rules) {
    const typed = this.#metadata()
    const fields = rules.map(({ name, pattern }) => {
      const label = document.createElement('label')
      const input = document.createElement('input')
      Object.assign(input, { name, required: true, pattern: pattern ?? ASCII, title: pattern ?? text.ascii, value: typed?.[name] ?? '', autocomplete: 'off' })
      label.append(visible(name), input)
      return label
    })
    const heading = Object.assign(document.createElement('p'), { textContent: text.fields })
    this.by('fields').replaceChildren(...(fields.length ? [heading, ...fields] : []))
    this.by('fields').hidden = !fields.length
  }

  #metadata() {
    const values = [...this.by('fields').querySelectorAll('input')].map(({ name, value }) => [name, value.trim()])
    return values.length ? { ...this.caller.options().metadata, ...Object.fromEntries(values) } : undefined
  }

  #overview() {
    const { by } = this
    const { rows } = this.queue
    const stored = rows.filter(isStored).length
    const lost = rows.filter(isLost).length
    const unconfirmed = rows.filter((row) => row.state === 'unconfirmed').length
    by('picker').classList.toggle('started', rows.length > 0)
    by('queue').hidden = !rows.length
    by('tally').textContent = text.tally(rows.length, stored, unconfirmed, lost)
    by('retry-all').hidden = rows.filter(canRetry).length < 2
    by('clear-done').hidden = !stored
    by('clear-failed').hidden = !lost
    this.#showProgress(rows.some(isActive))
  }

  #showProgress(isBusy) {
    const { by } = this
    const { files, loaded, total, speed, left } = this.queue.progress()
    const share = total ? loaded / total : 0
    by('overall').hidden = !isBusy || (files < 2 && total < LARGE)
    by('overall-bar').value = share
    by('overall-text').textContent = [sent(loaded, total), speed && text.speed(size(speed)), left && text.left(duration(left))].filter(Boolean).join(' · ')
    this.caller.changed?.({ isBusy, share })
  }

  #showTexts(root) {
    for (const part of [root, this.by('row').content]) {
      for (const element of part.querySelectorAll('[data-text]')) element.textContent = text[element.dataset.text]
    }
    this.by('overall-bar').setAttribute('aria-label', text.overall)
  }

  #listen() {
    const { by, queue } = this
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
    addEventListener('online', () => queue.retry(queue.rows.filter((row) => row.error?.code === 'offline')))
  }
}
