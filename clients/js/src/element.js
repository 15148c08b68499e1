/**
 * The element `<oss-upload>`: the picker and the list of the upload page, for any page and any framework.
 *
 * @import * as types from './element.js'
 */

import { View } from '../../../src/http/web/page-view.js'
import { setLanguage, text } from '../../../src/http/web/page-words.js'
import html from 'page:markup'
import css from 'page:style'

/** The names of the events after a file's last state. */
const EVENTS = { done: 'stored', unconfirmed: 'unconfirmed', failed: 'failed', cancelled: 'cancelled' }

/** A server has no elements; there the module can be imported and does nothing. */
const Base = globalThis.HTMLElement ?? class {}

/** @type {CSSStyleSheet | undefined} */
let sheet

/** @type {typeof types.OssUpload} */
export class OssUpload extends Base {
  static observedAttributes = ['endpoint', 'route', 'ticket']

  /** @type {Record<string, string> | undefined} */
  metadata
  /** @type {types.OssUpload['headers']} */
  headers
  #view

  connectedCallback() {
    if (this.#view) return
    setLanguage([this.closest('[lang]')?.lang ?? '', ...navigator.languages].filter(Boolean))
    if (!sheet) {
      sheet = new CSSStyleSheet()
      sheet.replaceSync(css)
    }
    const root = this.attachShadow({ mode: 'open' })
    root.adoptedStyleSheets = [sheet]
    root.innerHTML = html
    this.#view = new View(root, {
      base: () => this.#base(),
      options: () => ({ endpoint: this.getAttribute('endpoint') ?? undefined, route: this.getAttribute('route') ?? undefined, metadata: this.metadata, headers: () => this.#headers() }),
      hasTicket: () => Boolean(this.getAttribute('ticket') ?? this.headers),
      settled: (row) => this.#announce(row),
    })
    root.getElementById('hint').textContent = text.hintHere
    this.#takeDrops(root.getElementById('picker'))
    this.#view.showLimits()
  }

  attributeChangedCallback() {
    this.#view?.showLimits()
  }

  #base() {
    return (this.getAttribute('endpoint') ?? '').replace(/\/?$/, '/')
  }

  async #headers() {
    const ticket = this.getAttribute('ticket')
    const headers = typeof this.headers === 'function' ? await this.headers() : this.headers
    return { ...(ticket && { authorization: `Bearer ${ticket}` }), ...headers }
  }

  #announce({ state, file, stored, error }) {
    this.dispatchEvent(new CustomEvent(EVENTS[state], { bubbles: true, composed: true, detail: { file, ...stored, error } }))
  }

  #takeDrops(picker) {
    picker.addEventListener('dragover', (event) => {
      if (!event.dataTransfer.types.includes('Files')) return
      event.preventDefault()
      event.dataTransfer.dropEffect = this.#view.closed ? 'none' : 'copy'
    })
    picker.addEventListener('drop', (event) => {
      event.preventDefault()
      this.#view.unpack(event.dataTransfer)
    })
  }
}

if (globalThis.customElements && !customElements.get('oss-upload')) customElements.define('oss-upload', OssUpload)
