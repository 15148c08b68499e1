/**
 * The queue of chosen files: sends six at a time, each signed only when its turn comes, so that no grant expires in the
 * queue. It keeps the rows of the list up to date, measures the progress, and joins what happens at about the same time
 * to one announcement. Signing, sending and trying again belong to client.js.
 */

import { upload } from './client.js'
import { objection, surplus } from './page-limits.js'
import { build, copyLink, firstAction, isActive, isLost, isSending, isStored, show } from './page-row.js'
import { language, text, words } from './page-words.js'

/** @typedef {import('./page-row.js').Row} Row */

/**
 * @typedef {object} Host the page or element around the list
 * @property {() => string} base gives the address of the signer, with a last slash
 * @property {HTMLElement} list
 * @property {HTMLTemplateElement} template of one row
 * @property {() => object} options of the client, read when a file is sent
 * @property {() => boolean} isReady files may be sent
 * @property {() => boolean} hasTicket
 * @property {() => HTMLElement} fallback gets the focus when the last row is hidden
 * @property {(text: string) => void} announce
 * @property {() => void} changed something in the queue has changed
 * @property {(row: Row) => void} [settled] a file was stored, or failed
 * @property {(token: string) => void} [began] an upload in parts has begun, or goes on
 */

/** As many connections as browsers open to one host. */
const AT_ONCE = 6

/** A screen reader reads the last of several texts that come at once, so they are joined for so many milliseconds. */
const NEWS_DELAY_MS = 250

/** The speed is the mean of so many milliseconds, and is known after the shorter time. */
const SPEED_WINDOW_MS = 5000
const SPEED_MINIMUM_MS = 1000

export class Queue {
  /** @type {Row[]} */
  rows = []
  /** @type {import('./page-limits.js').Limits} */
  limits = {}
  /** The rows since the queue was empty last: the progress counts these. @type {Set<Row>} */
  #batch = new Set()
  /** What is announced next. @type {Set<Row | string>} */
  #news = new Set()
  /** @type {{ time: number, loaded: number }[]} */
  #samples = []
  /** @type {Promise<object[]> | undefined} */
  #refusals

  /** @param {Host} host */
  constructor(host) {
    this.host = host
  }

  /** Adds what was chosen, dropped or pasted at once. @param {{ file: File, isFolder?: boolean }[]} choice */
  add(choice) {
    const { limits } = this
    choice.forEach(({ file, isFolder }, index) => {
      const row = { file, state: 'waiting', loaded: 0, again: false, held: false, inParts: false, isPublic: false, element: build(file, this.host.template) }
      this.rows.push(row)
      this.host.list.append(row.element)
      row.element.addEventListener('click', (event) => this.#act(row, event.target.closest('[data-do]')?.dataset.do))
      const error = isFolder ? { code: 'folder', message: '' } : (objection(file, limits) ?? (index >= limits.max_files && surplus(limits)))
      if (error) this.#fail(row, error)
      else this.#wait(row)
    })
    this.pump()
  }

  /** Starts waiting files while there are fewer than six under way. */
  pump() {
    const waiting = this.rows.filter((row) => row.state === 'waiting')
    const isReady = this.host.isReady()
    for (const row of waiting.filter(({ held }) => held === isReady)) {
      row.held = !isReady
      show(row)
    }
    const free = AT_ONCE - this.rows.filter(isSending).length
    if (isReady) waiting.slice(0, Math.max(0, free)).forEach((row) => this.#start(row))
  }

  /** @param {Row[]} rows */
  retry(rows) {
    for (const row of rows) {
      row.error = row.stored = undefined
      this.#wait(row)
    }
    this.pump()
  }

  /** Takes rows out of the list. Stored files stay stored. @param {Row[]} rows @param {HTMLElement} [button] that did it */
  hide(rows, button) {
    const focused = focusedIn(this.host.list)
    const hadFocus = rows.some(({ element }) => element.contains(focused)) || (button && focused === button)
    const next = this.rows.slice(this.rows.indexOf(rows.at(-1)) + 1).find((row) => !rows.includes(row))
    this.rows = this.rows.filter((row) => !rows.includes(row))
    rows.forEach(({ element }) => element.remove())
    this.host.changed()
    if (hadFocus) (next ? firstAction(next) : this.host.fallback()).focus()
  }

  /** The bytes of the files under way and of those stored beside them, the bytes per second, and the seconds left. */
  progress() {
    const rows = [...this.#batch].filter((row) => isActive(row) || isStored(row))
    const total = rows.reduce((sum, { file }) => sum + file.size, 0)
    const loaded = rows.reduce((sum, row) => sum + (isActive(row) ? row.loaded : row.file.size), 0)
    const speed = this.#speed()
    return { files: rows.length, loaded, total, speed, left: speed && (total - loaded) / speed }
  }

  #speed() {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    const elapsed = first ? last.time - first.time : 0
    return elapsed < SPEED_MINIMUM_MS ? undefined : (Math.max(0, last.loaded - first.loaded) * 1000) / elapsed || undefined
  }

  #measure() {
    const time = performance.now()
    this.#samples.push({ time, loaded: this.progress().loaded })
    this.#samples = this.#samples.filter((sample) => time - sample.time <= SPEED_WINDOW_MS)
  }

  #wait(row) {
    if (!this.rows.some(isSending)) this.#restart()
    this.#batch.add(row)
    if (!row.task) row.loaded = 0
    this.#change(row, 'waiting')
  }

  /** Begins to count anew, unless files of this batch still wait. */
  #restart() {
    if ([...this.#batch].some((row) => row.state === 'waiting')) return
    this.#batch.clear()
    this.#samples = []
  }

  #start(row) {
    row.again = false
    this.#samples = row.task ? [] : this.#samples
    this.#change(row, 'sending')
    if (row.task) row.task.resume()
    else this.#send(row)
  }

  async #send(row) {
    row.isPublic = Boolean(this.limits.public_read)
    try {
      row.task = upload(row.file, {
        ...this.host.options(),
        checksum: true,
        onProgress: ({ loaded }) => this.#advance(row, loaded),
        onRetry: () => this.#interrupt(row),
        onToken: ({ token }) => this.#divide(row, token),
      })
      row.stored = await row.task
      this.#change(row, 'done')
    } catch (error) {
      if (error.code === 'aborted') this.#change(row, 'cancelled')
      else this.#fail(row, await diagnose(error, row.file, this.host.hasTicket()))
    }
    row.task = undefined
    this.pump()
    this.#advise(row)
  }

  /** The file goes in parts, so it can be paused. What OSS has of it already counts as no speed. */
  #divide(row, token) {
    row.inParts = true
    this.#samples = []
    this.host.began?.(token)
    show(row)
  }

  #act(row, action) {
    if (action === 'pause') this.#pause(row)
    else if (action === 'resume') this.#wait(row)
    else if (action === 'cancel' && !row.task) this.#change(row, 'cancelled')
    else if (action === 'cancel') row.task.abort()
    else if (action === 'retry') this.retry([row])
    else if (action === 'hide') this.hide([row])
    else if (action === 'copy') copyLink(row).then((outcome) => this.#tell(outcome))
    if (action === 'pause' || action === 'resume') this.pump()
  }

  /** A paused file leaves its place to others. */
  #pause(row) {
    row.task.pause()
    this.#samples = []
    this.#change(row, 'paused')
  }

  #fail(row, error) {
    row.error = error
    const isUnconfirmed = error.code === 'callback_failed'
    if (isUnconfirmed) row.stored = { key: error.key, url: error.url }
    this.#change(row, isUnconfirmed ? 'unconfirmed' : 'failed')
  }

  #change(row, state) {
    const focused = focusedIn(this.host.list)
    row.state = state
    show(row)
    this.host.changed()
    if (focused?.hidden && row.element.contains(focused)) firstAction(row).focus()
    if (isActive(row)) return
    this.#tell(row)
    if (row.state !== 'paused') this.host.settled?.(row)
  }

  /** Moves the bar forward only: what is sent again shows when it gets further. */
  #advance(row, loaded) {
    if (loaded <= row.loaded) return
    row.loaded = loaded
    row.again = false
    this.#measure()
    show(row)
    this.host.changed()
  }

  #interrupt(row) {
    row.again = true
    show(row)
  }

  /** Announces one file in full, and several as one sentence. @param {Row | string} news */
  #tell(news) {
    if (!this.#news.size) setTimeout(() => this.#publish(), NEWS_DELAY_MS)
    this.#news.add(news)
  }

  #publish() {
    const news = [...this.#news]
    this.#news.clear()
    const rows = news.filter((one) => one.element && !isActive(one))
    const [row] = rows
    const outcomes = news.filter((one) => !one.element)
    if (rows.length > 1) outcomes.unshift(text.several(rows.filter(isStored).length, rows.filter(isLost).length))
    else if (row) outcomes.unshift(text.news(row.file.name, row.error ? words(row.error) : text[row.state]))
    if (outcomes.length) this.host.announce(outcomes.join(' '))
  }

  /** Adds to a refusal of OSS its cause and its remedy, from the function's table. */
  async #advise(row) {
    const { error } = row
    if (!error?.ec && !/^[A-Z]/.test(error?.code)) return // Not of OSS.
    const table = await this.#table()
    const same = ({ code }) => code === error.code
    const said = error.message?.toLowerCase() ?? ''
    const known =
      table.find(({ ec }) => ec && ec === error.ec) ??
      table.find((entry) => same(entry) && entry.message && said.includes(entry.message.toLowerCase())) ??
      table.find((entry) => same(entry) && !entry.ec && !entry.message) ??
      table.find((entry) => same(entry) && !entry.message)
    if (!known || row.error !== error) return
    error.advice = [known.cause[language], known.remedy[language]].join(language === 'zh' ? '' : ' ')
    show(row)
  }

  /** Fetches the table once, when it is needed first. Without it the texts of this page have to do. */
  #table() {
    const none = () => (this.#refusals = undefined) ?? []
    return (this.#refusals ??= fetch(`${this.host.base()}oss-errors.json`).then((answer) => answer.json()).catch(none))
  }
}

/** The focused element of the document, or of the shadow tree that the list is in. */
function focusedIn(list) {
  return list.getRootNode().activeElement
}

/** Adds what the client cannot know: whether there was a ticket, and the reason of a failed network. */
async function diagnose(error, file, hadTicket) {
  error.hadTicket = hadTicket
  if (error.code !== 'network') return error
  if (!navigator.onLine) return { code: 'offline', message: error.message }
  try {
    await file.slice(0, 1).arrayBuffer()
    return error
  } catch {
    return { code: 'unreadable', message: error.message }
  }
}
