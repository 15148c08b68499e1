/**
 * The texts of the upload page in English and Chinese. The reader's browser decides the language. The text of a failure
 * follows its code, so it is the same whether this page, the function or OSS found the failure.
 */

/** Codes that have the same text as another. */
const SAME = {
  EntityTooLarge: 'file_too_large',
  EntityTooSmall: 'file_too_small',
  InvalidAccessKeyId: 'permit_refused',
  InvalidSecurityToken: 'permit_refused',
  SecurityTokenExpired: 'permit_refused',
  SignatureDoesNotMatch: 'permit_refused',
  credentials_unavailable: 'no_credentials',
  object_exists: 'FileAlreadyExists',
  upload_not_found: 'NoSuchUpload',
  upload_token_expired: 'NoSuchUpload',
}

/** Any call accepts so many files, so a limit of so many is not mentioned. */
const COMMON_MAX_FILES = 100

/** The longest name that is shown, in characters. */
const MAX_SHOWN = 100

/** Characters that are invisible, or that change the order of others. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB']
const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

const TEXTS = {
  en: {
    title: 'Upload files',
    lead: 'Files go straight from this browser to the storage bucket.',
    holder: ['This link uploads for ', '. If that is not you, do not use it for files of your own.'],
    unnamed: 'This link does not say for whom it uploads.',
    fields: 'These details are needed with each file:',
    ascii: 'Letters without accents, digits and signs',
    choose: 'Choose files',
    hint: 'or drop them anywhere in this window, or paste',
    hintHere: 'or drop them here',
    drop: 'Drop to upload',
    footer: 'Uploaded files stay in storage. Only this list is lost when you leave the page.',
    pause: 'Pause',
    resume: 'Resume',
    paused: 'Paused',
    discard: 'Discard',
    discarded: (name) => `${name}: discarded`,
    unfinished: 'Not finished. Choose the same file again, and its upload goes on.',
    until: (size, time) => `${size} · until ${time}`,
    cancel: 'Cancel',
    retry: 'Retry',
    copy: 'Copy link',
    copied: 'Copied',
    open: 'Open',
    hide: 'Hide',
    details: 'Details',
    retryAll: 'Retry all',
    clearDone: 'Clear finished',
    clearFailed: 'Clear failed',
    waiting: 'Waiting',
    incomplete: 'Waiting for the details above',
    preparing: 'Preparing',
    again: 'Interrupted, trying again',
    finishing: 'Finishing',
    done: 'Uploaded',
    failed: 'Not uploaded',
    unconfirmed: 'Stored, not confirmed',
    record: (id) => `record ${id}`,
    cancelled: 'Cancelled',
    sent: (loaded, total, percent) => `${loaded} of ${total} · ${percent}`,
    speed: (size) => `${size}/s`,
    left: (time) => `${time} left`,
    seconds: (count) => `${count} s`,
    minutes: (count) => `${count} min`,
    hours: (count) => `${count} h`,
    label: (action, name) => `${action}: ${name}`,
    progress: (name) => `Progress of ${name}`,
    overall: 'Progress of all files',
    news: (name, what) => `${name}: ${what}`,
    several: (stored, lost) => [stored && `${files(stored)} uploaded.`, lost && `${files(lost)} not uploaded. The list says why.`].filter(Boolean).join(' '),
    tally: (total, stored, unconfirmed, lost) =>
      [`${stored} of ${total} uploaded`, unconfirmed && `${unconfirmed} not confirmed`, lost && `${lost} failed or cancelled`].filter(Boolean).join(' · '),
    copyByHand: 'The link is selected. Copy it with the keyboard.',
    request: 'request',
    anyKind: 'files of any type',
    groups: { image: 'images', video: 'videos', audio: 'audio', text: 'text', font: 'fonts' },
    most: (max) => `up to ${max}`,
    range: (min, max) => `${min} to ${max}`,
    count: (most) => (most === 1 ? 'one at a time' : `${most} at a time`),
    why: {
      file_too_large: (limit) => (limit.max_size ? `Too large: at most ${limitSize(limit.max_size)} is allowed.` : 'Too large.'),
      file_too_small: (limit) => (limit.min_size > 1 ? `Too small: at least ${limitSize(limit.min_size)} is needed.` : 'The file is empty.'),
      type_not_allowed: (limit) => `This type is not allowed.${limit.types?.length ? ` Allowed: ${kindsOf({ types: limit.types })}.` : ''}`,
      extension_not_allowed: (limit) => `Names may only end in ${kindsOf(limit)} here.`,
      type_required: () => 'The type of this file is unknown, and only some types are allowed.',
      too_many_files: (limit) => (limit.max_files === 1 ? 'Only one file is taken at a time.' : `Only ${limit.max_files} files are taken at a time.`),
      route_not_found: () => 'This upload address does not exist. Check the link, or ask for the right one.',
      ticket_missing: () => 'Uploading needs a ticket here. Open this page with the link that you were given, or ask for one.',
      ticket_refused: () => 'The ticket in your link was not accepted; it may have expired. Ask for a new link.',
      origin_not_allowed: () => 'This website is not on the list of websites that may upload.',
      budget_exceeded: () => 'Too many uploads in a short time. Try again later.',
      no_credentials: () => 'The server has no credentials at the moment. Try again shortly.',
      permit_refused: () => 'The bucket did not accept the permit. Try again; if it stays so, the server needs attention.',
      AccessDenied: () => 'The bucket refused: the upload does not fit its permit, or the permit has expired.',
      FileAlreadyExists: () => 'A file is already stored under this name.',
      NoSuchUpload: () => 'The bucket no longer has the parts of this file. Retry sends it from its beginning.',
      checksum_mismatch: () => 'What arrived is not the same as the file. Upload it again.',
      NoSuchBucket: () => 'The bucket does not exist.',
      RequestTimeout: () => 'The connection was too slow. Try again.',
      callback_failed: () => 'The file is stored, but the application has not confirmed it. Do not upload it again.',
      bad_answer: () => 'The answer cannot be read. The address of the server may be wrong.',
      network: () => 'No answer. The network failed, or the bucket does not let this page read its answers (CORS).',
      offline: () => 'This device is offline. The upload goes on when the device is online again.',
      unreadable: () => 'The file has changed or can no longer be read. Choose it again.',
      folder: () => 'Folders cannot be uploaded. Choose the files inside.',
      other: (_, message) => message,
    },
  },
  zh: {
    title: '上传文件',
    lead: '文件从浏览器直接传到存储空间。',
    holder: ['此链接以 ', ' 的身份上传。如果这不是您，请勿用它上传自己的文件。'],
    unnamed: '此链接没有说明以谁的身份上传。',
    fields: '每个文件需要填写以下信息：',
    ascii: '只能用英文字母、数字和符号',
    choose: '选择文件',
    hint: '也可以拖到窗口任意位置，或直接粘贴',
    hintHere: '也可以拖到此处',
    drop: '松开即可上传',
    footer: '已上传的文件会保留在存储空间。离开本页后，只有此列表会消失。',
    pause: '暂停',
    resume: '继续',
    paused: '已暂停',
    discard: '放弃',
    discarded: (name) => `${name}：已放弃`,
    unfinished: '以下文件尚未传完。重新选择同一文件，即可继续上传。',
    until: (size, time) => `${size} · 保留至 ${time}`,
    cancel: '取消',
    retry: '重试',
    copy: '复制链接',
    copied: '已复制',
    open: '打开',
    hide: '隐藏',
    details: '详情',
    retryAll: '全部重试',
    clearDone: '清除已完成',
    clearFailed: '清除未成功',
    waiting: '等待中',
    incomplete: '请先填写上方信息',
    preparing: '准备中',
    again: '连接中断，正在重试',
    finishing: '即将完成',
    done: '已上传',
    failed: '未上传',
    unconfirmed: '已存储，未确认',
    record: (id) => `编号 ${id}`,
    cancelled: '已取消',
    sent: (loaded, total, percent) => `${loaded} / ${total} · ${percent}`,
    speed: (size) => `${size}/秒`,
    left: (time) => `剩余 ${time}`,
    seconds: (count) => `${count} 秒`,
    minutes: (count) => `${count} 分钟`,
    hours: (count) => `${count} 小时`,
    label: (action, name) => `${action}：${name}`,
    progress: (name) => `${name} 的上传进度`,
    overall: '全部文件的上传进度',
    news: (name, what) => `${name}：${what}`,
    several: (stored, lost) => [stored && `已上传 ${stored} 个文件。`, lost && `${lost} 个文件未上传，原因见列表。`].filter(Boolean).join(''),
    tally: (total, stored, unconfirmed, lost) =>
      [`共 ${total} 个文件，已上传 ${stored} 个`, unconfirmed && `${unconfirmed} 个未确认`, lost && `${lost} 个未成功`].filter(Boolean).join('，'),
    copyByHand: '链接已选中，请用键盘复制。',
    request: '请求',
    anyKind: '任意类型',
    groups: { image: '图片', video: '视频', audio: '音频', text: '文本', font: '字体' },
    most: (max) => `每个不超过 ${max}`,
    range: (min, max) => `每个 ${min} 至 ${max}`,
    count: (most) => `一次最多 ${most} 个`,
    why: {
      file_too_large: (limit) => (limit.max_size ? `文件太大，最多允许 ${limitSize(limit.max_size)}。` : '文件太大。'),
      file_too_small: (limit) => (limit.min_size > 1 ? `文件太小，至少需要 ${limitSize(limit.min_size)}。` : '文件是空的。'),
      type_not_allowed: (limit) => `不允许这种类型。${limit.types?.length ? `允许的类型：${kindsOf({ types: limit.types })}。` : ''}`,
      extension_not_allowed: (limit) => `这里只接受 ${kindsOf(limit)} 文件。`,
      type_required: () => '无法识别文件类型，而这里只允许部分类型。',
      too_many_files: (limit) => `一次最多上传 ${limit.max_files} 个文件。`,
      route_not_found: () => '此上传地址不存在。请检查链接，或索取正确的链接。',
      ticket_missing: () => '这里上传需要凭票。请用收到的链接打开本页，或索取链接。',
      ticket_refused: () => '链接中的票据未被接受，可能已过期。请索取新的链接。',
      origin_not_allowed: () => '当前网站不在允许上传的名单里。',
      budget_exceeded: () => '短时间内上传过多，请稍后重试。',
      no_credentials: () => '服务器暂时没有凭证，请稍后重试。',
      permit_refused: () => '存储空间没有接受上传许可。请重试；若仍然失败，需要检查服务器。',
      AccessDenied: () => '存储空间拒绝了上传：内容与许可不符，或许可已过期。',
      FileAlreadyExists: () => '同名文件已经存在。',
      NoSuchUpload: () => '存储空间已没有此文件的分片。重试会从头上传。',
      checksum_mismatch: () => '收到的内容与文件不一致，请重新上传。',
      NoSuchBucket: () => '存储空间不存在。',
      RequestTimeout: () => '连接太慢，请重试。',
      callback_failed: () => '文件已存储，但应用尚未确认。请勿重新上传。',
      bad_answer: () => '收到了无法识别的回应，服务器地址可能有误。',
      network: () => '没有收到回应：网络中断，或存储空间不允许本页读取回应（CORS）。',
      offline: () => '设备已离线，恢复后会自动继续。',
      unreadable: () => '文件已改动或无法读取，请重新选择。',
      folder: () => '不能上传文件夹，请选择其中的文件。',
      other: (_, message) => `未能上传：${message}`,
    },
  },
}

/** The language in use, its texts, and its way to write a share: `en` until `setLanguage` is called. */
export let language, text, percent
let decimal, whole, either

/**
 * Chooses the first language that has texts here, else English.
 * @param {readonly string[]} tags such as `navigator.languages`
 */
export function setLanguage(tags) {
  language = /^zh\b/i.test(tags.find((tag) => /^(en|zh)\b/i.test(tag)) ?? 'en') ? 'zh' : 'en'
  text = TEXTS[language]
  percent = new Intl.NumberFormat(language, { style: 'percent' })
  decimal = new Intl.NumberFormat(language, { minimumFractionDigits: 0, maximumFractionDigits: 1 })
  whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 })
  either = new Intl.ListFormat(language, { type: 'disjunction' })
}

setLanguage(['en'])

function files(count) {
  return count === 1 ? 'One file' : `${count} files`
}

/** Writes a size in decimal units, as most file managers and networks count. */
export function size(bytes) {
  const unit = unitOf(bytes)
  return `${inUnit(bytes, unit)} ${UNITS[unit]}`
}

/** Writes how much of a file was sent, both numbers in the unit of the whole. */
export function sent(loaded, total) {
  const unit = unitOf(total)
  return text.sent(inUnit(loaded, unit), `${inUnit(total, unit)} ${UNITS[unit]}`, percent.format(total ? loaded / total : 0))
}

/** Writes a limit as its owner most likely wrote it: 30 MiB, if it is no round number of MB. */
function limitSize(bytes) {
  const unit = Math.min(4, Math.floor(Math.log2(bytes || 1) / 10))
  const isBinary = unit > 0 && bytes % 1024 ** unit === 0 && bytes % 1000 ** unitOf(bytes) !== 0
  return isBinary ? `${decimal.format(bytes / 1024 ** unit)} ${BINARY_UNITS[unit]}` : size(bytes)
}

function unitOf(bytes) {
  return Math.min(4, Math.floor(Math.log10(bytes || 1) / 3 + 1e-9))
}

function inUnit(bytes, unit) {
  return decimal.format(bytes / 1000 ** unit)
}

/** Writes how long an upload still takes, as exactly as is known: seconds, then minutes, then hours. */
export function duration(seconds) {
  if (seconds < 60) return text.seconds(whole.format(Math.max(1, Math.ceil(seconds))))
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return text.minutes(whole.format(minutes))
  return [text.hours(whole.format(Math.floor(minutes / 60))), minutes % 60 && text.minutes(minutes % 60)].filter(Boolean).join(' ')
}

/**
 * Writes why a file was not uploaded.
 * @param {{ code: string, message: string, status?: number, limits?: object, hadTicket?: boolean }} error
 */
export function words({ code, message, status, limits, hadTicket }) {
  const unnamed = status === 401 ? (hadTicket ? 'ticket_refused' : 'ticket_missing') : 'other'
  return (text.why[SAME[code] ?? code] ?? text.why[unnamed])(limits ?? {}, message)
}

/** Writes the limits of a route: types, sizes, number of files. */
export function terms({ min_size: min, max_size: max, types, extensions, max_files: most }) {
  const kinds = kindsOf({ types, extensions }) || text.anyKind
  const sizes = max && (min > 1 ? text.range(limitSize(min), limitSize(max)) : text.most(limitSize(max)))
  const count = most < COMMON_MAX_FILES && text.count(most)
  const parts = [sizes, count].filter(Boolean).map((part) => part.replaceAll(' ', '\u00a0')) // Kept on one line each.
  const said = [kinds, ...parts].join(' · ')
  return said.charAt(0).toUpperCase() + said.slice(1)
}

/** Lists what a route accepts: the endings where it has some, else the common names of the types. */
function kindsOf({ types = [], extensions = [] }) {
  const names = extensions.length ? extensions.map((ending) => ending.toUpperCase()) : types.map(kindOf)
  return either.format(new Set(names))
}

function kindOf(type) {
  const [group, name] = type.split('/')
  if (name === '*') return text.groups[group] ?? type
  const [short] = name.replace(/^x-/, '').split('+')
  return /^[a-z\d-]{2,8}$/.test(short) ? short.toUpperCase() : type
}

/**
 * Reads the subject of a ticket or a token. The second part of both is JSON as base64url. `undefined` without a subject.
 * @param {string} ticket @returns {string | undefined}
 */
export function subjectOf(ticket) {
  try {
    const base64 = ticket.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
    const { sub } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return typeof sub === 'string' && sub ? sub : undefined
  } catch {
    return undefined
  }
}

/** Makes every character of a text visible, and shortens a long one. @param {string} text */
export function visible(text) {
  const characters = [...text.replace(INVISIBLE, '\ufffd')]
  return characters.length > MAX_SHOWN ? `${characters.slice(0, MAX_SHOWN).join('')}…` : characters.join('')
}
