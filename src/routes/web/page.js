/**
 * The upload page: takes files, sends three at a time, and says in the reader's language what became of each.
 * Signing and sending belong to client.js. Names and answers are shown as text only, never as markup,
 * and nothing is remembered.
 */

import { upload } from './client.js'

/** @typedef {'waiting' | 'sending' | 'done' | 'failed' | 'cancelled'} State */
/**
 * @typedef {object} Row one chosen file and its place on the page
 * @property {File} file
 * @property {State} state
 * @property {number} loaded bytes sent so far
 * @property {HTMLElement} element
 * @property {AbortController} [controller] set while sending
 * @property {{ key: string, url: string }} [stored] set once OSS holds the file
 * @property {{ code: string, message: string, advice?: string }} [error] why the last attempt failed
 */

const AT_ONCE = 3
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

/** Refusals that the same file meets again. */
const FINAL = ['file_too_large', 'file_too_small', 'type_not_allowed', 'type_required', 'folder', 'unreadable', 'EntityTooLarge', 'EntityTooSmall']

/** Codes that need the same words as another. */
const SAME = {
  EntityTooLarge: 'file_too_large',
  EntityTooSmall: 'file_too_small',
  InvalidAccessKeyId: 'permit_refused',
  InvalidSecurityToken: 'permit_refused',
  SecurityTokenExpired: 'permit_refused',
  SignatureDoesNotMatch: 'permit_refused',
}

const TEXTS = {
  en: {
    title: 'Upload files',
    lead: 'Straight from this browser to the storage bucket.',
    choose: 'Choose files',
    hint: 'or drop them anywhere in this window, or paste',
    drop: 'Drop to upload',
    footer: 'This page remembers nothing: the list is gone once you leave.',
    cancel: 'Cancel',
    retry: 'Retry',
    copy: 'Copy key',
    copied: 'Copied',
    open: 'Open',
    remove: 'Remove',
    retryAll: 'Retry all',
    clear: 'Clear finished',
    waiting: 'Waiting',
    preparing: 'Preparing',
    finishing: 'Finishing',
    done: 'Uploaded',
    failed: 'Not uploaded',
    unconfirmed: 'Stored, not confirmed',
    cancelled: 'Cancelled',
    sent: (loaded, total, percent) => `${loaded} of ${total} · ${percent}`,
    label: (action, name) => `${action}: ${name}`,
    progress: (name) => `Progress of ${name}`,
    news: (name, what) => `${name}: ${what}`,
    tally: (total, done, failed) => `${done} of ${total} uploaded${failed ? ` · ${failed} failed or cancelled` : ''}`,
    copyByHand: 'The key is selected. Copy it with the keyboard.',
    request: 'request',
    why: {
      file_too_large: (limit) => (limit.max_size ? `Too large: at most ${size(limit.max_size)} is allowed.` : 'Too large.'),
      file_too_small: (limit) => (limit.min_size > 1 ? `Too small: at least ${size(limit.min_size)} is needed.` : 'The file is empty.'),
      type_not_allowed: (limit) => `This type is not allowed.${limit.types?.length ? ` Allowed: ${limit.types.join(', ')}.` : ''}`,
      type_required: () => 'The type of this file is unknown, and only some types are allowed.',
      origin_not_allowed: () => 'This site is not on the list of sites that may upload.',
      no_credentials: () => 'The server has no credentials at the moment. Try again shortly.',
      permit_refused: () => 'The bucket did not accept the permit. Try again; if it stays so, the server needs attention.',
      AccessDenied: () => 'The bucket refused: the upload does not fit its permit, or the permit has run out.',
      FileAlreadyExists: () => 'A file is already stored under this name.',
      NoSuchBucket: () => 'The bucket does not exist.',
      RequestTimeout: () => 'The connection was too slow. Try again.',
      callback_failed: () => 'The file is stored, but the application could not be told.',
      bad_answer: () => 'An answer came that nobody here can read. The address of the server may be wrong.',
      network: () => 'No answer. The network failed, or the bucket does not let this page read its answers (CORS).',
      offline: () => 'This device is offline.',
      unreadable: () => 'The file has changed or can no longer be read. Choose it again.',
      folder: () => 'Folders cannot be uploaded. Choose the files inside.',
      other: (_, message) => message,
    },
  },
  zh: {
    title: '上传文件',
    lead: '文件从浏览器直接传到存储空间。',
    choose: '选择文件',
    hint: '也可以拖到窗口任意位置，或直接粘贴',
    drop: '松开即可上传',
    footer: '本页不保存任何内容，离开后列表即消失。',
    cancel: '取消',
    retry: '重试',
    copy: '复制 Key',
    copied: '已复制',
    open: '打开',
    remove: '移除',
    retryAll: '全部重试',
    clear: '清除已完成',
    waiting: '等待中',
    preparing: '准备中',
    finishing: '即将完成',
    done: '已上传',
    failed: '未上传',
    unconfirmed: '已存储，未确认',
    cancelled: '已取消',
    sent: (loaded, total, percent) => `${loaded} / ${total} · ${percent}`,
    label: (action, name) => `${action}：${name}`,
    progress: (name) => `${name} 的上传进度`,
    news: (name, what) => `${name}：${what}`,
    tally: (total, done, failed) => `共 ${total} 个文件，已上传 ${done} 个${failed ? `，${failed} 个未成功` : ''}`,
    copyByHand: 'Key 已选中，请用键盘复制。',
    request: '请求',
    why: {
      file_too_large: (limit) => (limit.max_size ? `文件太大，最多允许 ${size(limit.max_size)}。` : '文件太大。'),
      file_too_small: (limit) => (limit.min_size > 1 ? `文件太小，至少需要 ${size(limit.min_size)}。` : '文件是空的。'),
      type_not_allowed: (limit) => `不允许这种类型。${limit.types?.length ? `允许的类型：${limit.types.join('、')}。` : ''}`,
      type_required: () => '无法识别文件类型，而这里只允许部分类型。',
      origin_not_allowed: () => '当前网站不在允许上传的名单里。',
      no_credentials: () => '服务器暂时没有凭证，请稍后重试。',
      permit_refused: () => '存储空间没有接受上传许可。请重试；若仍然失败，需要检查服务器。',
      AccessDenied: () => '存储空间拒绝了上传：内容与许可不符，或许可已过期。',
      FileAlreadyExists: () => '同名文件已经存在。',
      NoSuchBucket: () => '存储空间不存在。',
      RequestTimeout: () => '连接太慢，请重试。',
      callback_failed: () => '文件已存储，但没能通知应用。',
      bad_answer: () => '收到了无法识别的回应，服务器地址可能有误。',
      network: () => '没有收到回应：网络中断，或存储空间不允许本页读取回应（CORS）。',
      offline: () => '设备已离线。',
      unreadable: () => '文件已改动或无法读取，请重新选择。',
      folder: () => '不能上传文件夹，请选择其中的文件。',
      other: (_, message) => `未能上传：${message}`,
    },
  },
}

const language = /^zh\b/i.test(navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag)) ?? 'en') ? 'zh' : 'en'
const text = TEXTS[language]
const decimal = new Intl.NumberFormat(language, { maximumFractionDigits: 1 })
const percent = new Intl.NumberFormat(language, { style: 'percent' })
const route = new URLSearchParams(location.search).get('route') ?? undefined
const by = (id) => document.getElementById(id)

/** @type {Row[]} */
let rows = []
/** @type {Promise<object[]> | undefined} */
let fetched

speak()
listen()

// The queue: what waits is started as soon as there is room, and signed only then, so no grant grows old in line.

function add(file, isFolder = false) {
  const row = { file, state: 'waiting', loaded: 0, element: build(file) }
  rows.push(row)
  by('rows').append(row.element)
  row.element.addEventListener('click', (event) => act(row, event.target.closest('[data-do]')?.dataset.do))
  if (isFolder) fail(row, { code: 'folder', message: '' })
  else change(row, 'waiting')
  pump()
}

function pump() {
  const room = AT_ONCE - rows.filter(isSending).length
  rows.filter((row) => row.state === 'waiting').slice(0, Math.max(0, room)).forEach(start)
}

async function start(row) {
  row.controller = new AbortController()
  row.loaded = 0
  change(row, 'sending')
  try {
    row.stored = await upload(row.file, {
      route,
      signal: row.controller.signal,
      onProgress: ({ loaded }) => advance(row, loaded),
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
  else if (action === 'copy') copy(row)
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
  row.stored = error.code === 'callback_failed' ? { key: error.key } : undefined
  change(row, 'failed')
}

/** Tells apart what the client can only call a lost network. */
async function diagnose(error, file) {
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

function advance(row, loaded) {
  row.loaded = loaded
  show(row)
  overview()
}

function show(row) {
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
  if (stored?.url) part('[data-do=open]').href = stored.url
  for (const button of element.querySelectorAll('[data-do]')) button.hidden = !offers(row, button.dataset.do)
}

function offers(row, action) {
  if (action === 'retry') return canRetry(row)
  if (action === 'copy') return Boolean(row.stored) && !isActive(row)
  return ACTIONS[row.state].includes(action)
}

function summary({ file, state, loaded, stored }) {
  const total = size(file.size)
  if (state === 'failed' && stored) return `${total} · ${text.unconfirmed}`
  if (state !== 'sending') return `${total} · ${text[state]}`
  if (!loaded) return `${total} · ${text.preparing}`
  if (loaded >= file.size) return `${total} · ${text.finishing}`
  return text.sent(size(loaded), total, percent.format(loaded / file.size))
}

function explain(part, error) {
  const more = [error.message, error.ec, error.requestId && `${text.request} ${error.requestId}`]
  part('.words').textContent = words(error)
  part('summary code').textContent = error.code ?? error.name
  part('.advice').hidden = !error.advice
  part('.advice').textContent = error.advice ?? ''
  part('.technical').textContent = more.filter(Boolean).join(' · ')
}

function words({ code, message, limits }) {
  const say = text.why[SAME[code] ?? code] ?? text.why.other
  return say(limits ?? {}, message)
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

function build(file) {
  const element = by('row').content.firstElementChild.cloneNode(true)
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

async function copy({ element, stored }) {
  const button = element.querySelector('[data-do=copy]')
  try {
    await navigator.clipboard.writeText(stored.key)
    button.textContent = by('news').textContent = text.copied
    setTimeout(() => (button.textContent = text.copy), 2000)
  } catch {
    getSelection().selectAllChildren(element.querySelector('.stored code')) // No clipboard without https.
    by('news').textContent = text.copyByHand
  }
}

function size(bytes) {
  const step = Math.min(3, Math.floor(Math.log2(bytes || 1) / 10))
  return `${decimal.format(bytes / 1024 ** step)} ${['B', 'KB', 'MB', 'GB'][step]}`
}

const isSending = (row) => row.state === 'sending'
const isActive = (row) => isSending(row) || row.state === 'waiting'
const canRetry = (row) => (row.state === 'failed' && !FINAL.includes(row.error.code)) || row.state === 'cancelled'
const firstAction = (row) => row.element.querySelector('[data-do]:not([hidden])')

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
    for (const file of target.files) add(file)
    target.value = '' // So that the same file can be chosen again.
  })
  by('retry-all').addEventListener('click', () => {
    const some = rows.filter(canRetry)
    retry(some)
    firstAction(some[0]).focus()
  })
  by('clear').addEventListener('click', () => remove(rows.filter((row) => row.state === 'done')))
  addEventListener('paste', ({ clipboardData }) => take(clipboardData))
  addEventListener('dragover', hover)
  addEventListener('dragleave', ({ relatedTarget }) => relatedTarget || land())
  addEventListener('drop', (event) => {
    event.preventDefault()
    land()
    take(event.dataTransfer)
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

function take({ items }) {
  for (const item of [...items]) {
    if (item.kind === 'file') add(item.getAsFile(), item.webkitGetAsEntry?.()?.isDirectory)
  }
}
