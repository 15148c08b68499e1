/**
 * What the upload page says, in English and in Chinese: the reader's browser decides. What went wrong is told by its
 * code, so that it reads the same whether this page, the function or OSS has found it.
 */

/** Codes that need the same words as another. */
const SAME = {
  EntityTooLarge: 'file_too_large',
  EntityTooSmall: 'file_too_small',
  InvalidAccessKeyId: 'permit_refused',
  InvalidSecurityToken: 'permit_refused',
  SecurityTokenExpired: 'permit_refused',
  SignatureDoesNotMatch: 'permit_refused',
}

/** As many files as any call takes: nobody has to be told of that. */
const LEAST_WORTH_SAYING = 100

/** The longest name that is shown, in characters. */
const LONGEST = 100

/** Characters that do not show, or that change the order of others. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu

const TEXTS = {
  en: {
    title: 'Upload files',
    lead: 'Straight from this browser to the storage bucket.',
    holder: ['This link uploads for ', '. If that is not you, do not use it for files of your own.'],
    unnamed: 'This link does not say for whom it uploads.',
    choose: 'Choose files',
    hint: 'or drop them anywhere in this window, or paste',
    drop: 'Drop to upload',
    footer: 'This page remembers nothing: the list is gone once you leave.',
    cancel: 'Cancel',
    retry: 'Retry',
    copy: 'Copy link',
    copied: 'Copied',
    open: 'Open',
    remove: 'Remove',
    retryAll: 'Retry all',
    clear: 'Clear finished',
    waiting: 'Waiting',
    preparing: 'Preparing',
    again: 'Interrupted, trying again',
    finishing: 'Finishing',
    done: 'Uploaded',
    failed: 'Not uploaded',
    unconfirmed: 'Stored, not confirmed',
    record: (id) => `record ${id}`,
    cancelled: 'Cancelled',
    sent: (loaded, total, percent) => `${loaded} of ${total} · ${percent}`,
    label: (action, name) => `${action}: ${name}`,
    progress: (name) => `Progress of ${name}`,
    news: (name, what) => `${name}: ${what}`,
    tally: (total, done, failed) => `${done} of ${total} uploaded${failed ? ` · ${failed} failed or cancelled` : ''}`,
    copyByHand: 'The link is selected. Copy it with the keyboard.',
    request: 'request',
    anyKind: 'files of any type',
    groups: { image: 'images', video: 'videos', audio: 'audio', text: 'text', font: 'fonts' },
    most: (max) => `up to ${max}`,
    range: (min, max) => `${min} to ${max}`,
    count: (most) => (most === 1 ? 'one at a time' : `${most} at a time`),
    why: {
      file_too_large: (limit) => (limit.max_size ? `Too large: at most ${size(limit.max_size)} is allowed.` : 'Too large.'),
      file_too_small: (limit) => (limit.min_size > 1 ? `Too small: at least ${size(limit.min_size)} is needed.` : 'The file is empty.'),
      type_not_allowed: (limit) => `This type is not allowed.${limit.types?.length ? ` Allowed: ${kindsOf({ types: limit.types })}.` : ''}`,
      extension_not_allowed: (limit) => `Names may only end in ${kindsOf(limit)} here.`,
      type_required: () => 'The type of this file is unknown, and only some types are allowed.',
      too_many_files: (limit) => (limit.max_files === 1 ? 'Only one file is taken at a time.' : `Only ${limit.max_files} files are taken at a time.`),
      route_not_found: () => 'The address of this page names rules that the server does not have.',
      ticket_missing: () => 'Uploading needs a ticket here. Open this page with the link that you were given.',
      ticket_refused: () => 'The ticket in your link was not accepted; it may have run out. Ask for a new link.',
      origin_not_allowed: () => 'This site is not on the list of sites that may upload.',
      no_credentials: () => 'The server has no credentials at the moment. Try again shortly.',
      permit_refused: () => 'The bucket did not accept the permit. Try again; if it stays so, the server needs attention.',
      AccessDenied: () => 'The bucket refused: the upload does not fit its permit, or the permit has run out.',
      FileAlreadyExists: () => 'A file is already stored under this name.',
      NoSuchBucket: () => 'The bucket does not exist.',
      RequestTimeout: () => 'The connection was too slow. Try again.',
      callback_failed: () => 'Stored, but the application was not told. Do not upload it again.',
      bad_answer: () => 'An answer came that nobody here can read. The address of the server may be wrong.',
      network: () => 'No answer. The network failed, or the bucket does not let this page read its answers (CORS).',
      offline: () => 'This device is offline. It goes on by itself afterwards.',
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
    choose: '选择文件',
    hint: '也可以拖到窗口任意位置，或直接粘贴',
    drop: '松开即可上传',
    footer: '本页不保存任何内容，离开后列表即消失。',
    cancel: '取消',
    retry: '重试',
    copy: '复制链接',
    copied: '已复制',
    open: '打开',
    remove: '移除',
    retryAll: '全部重试',
    clear: '清除已完成',
    waiting: '等待中',
    preparing: '准备中',
    again: '连接中断，正在重试',
    finishing: '即将完成',
    done: '已上传',
    failed: '未上传',
    unconfirmed: '已存储，未确认',
    record: (id) => `编号 ${id}`,
    cancelled: '已取消',
    sent: (loaded, total, percent) => `${loaded} / ${total} · ${percent}`,
    label: (action, name) => `${action}：${name}`,
    progress: (name) => `${name} 的上传进度`,
    news: (name, what) => `${name}：${what}`,
    tally: (total, done, failed) => `共 ${total} 个文件，已上传 ${done} 个${failed ? `，${failed} 个未成功` : ''}`,
    copyByHand: '链接已选中，请用键盘复制。',
    request: '请求',
    anyKind: '任意类型',
    groups: { image: '图片', video: '视频', audio: '音频', text: '文本', font: '字体' },
    most: (max) => `每个不超过 ${max}`,
    range: (min, max) => `每个 ${min} 至 ${max}`,
    count: (most) => `一次最多 ${most} 个`,
    why: {
      file_too_large: (limit) => (limit.max_size ? `文件太大，最多允许 ${size(limit.max_size)}。` : '文件太大。'),
      file_too_small: (limit) => (limit.min_size > 1 ? `文件太小，至少需要 ${size(limit.min_size)}。` : '文件是空的。'),
      type_not_allowed: (limit) => `不允许这种类型。${limit.types?.length ? `允许的类型：${kindsOf({ types: limit.types })}。` : ''}`,
      extension_not_allowed: (limit) => `这里只接受 ${kindsOf(limit)} 文件。`,
      type_required: () => '无法识别文件类型，而这里只允许部分类型。',
      too_many_files: (limit) => `一次最多上传 ${limit.max_files} 个文件。`,
      route_not_found: () => '本页地址中的上传规则在服务器上不存在。',
      ticket_missing: () => '这里上传需要凭票。请用收到的链接重新打开本页。',
      ticket_refused: () => '链接中的票据未被接受，可能已过期。请索取新的链接。',
      origin_not_allowed: () => '当前网站不在允许上传的名单里。',
      no_credentials: () => '服务器暂时没有凭证，请稍后重试。',
      permit_refused: () => '存储空间没有接受上传许可。请重试；若仍然失败，需要检查服务器。',
      AccessDenied: () => '存储空间拒绝了上传：内容与许可不符，或许可已过期。',
      FileAlreadyExists: () => '同名文件已经存在。',
      NoSuchBucket: () => '存储空间不存在。',
      RequestTimeout: () => '连接太慢，请重试。',
      callback_failed: () => '已存储，但没能通知应用。无需重新上传。',
      bad_answer: () => '收到了无法识别的回应，服务器地址可能有误。',
      network: () => '没有收到回应：网络中断，或存储空间不允许本页读取回应（CORS）。',
      offline: () => '设备已离线，恢复后会自动继续。',
      unreadable: () => '文件已改动或无法读取，请重新选择。',
      folder: () => '不能上传文件夹，请选择其中的文件。',
      other: (_, message) => `未能上传：${message}`,
    },
  },
}

export const language = /^zh\b/i.test(navigator.languages.find((tag) => /^(en|zh)\b/i.test(tag)) ?? 'en') ? 'zh' : 'en'
export const text = TEXTS[language]
export const percent = new Intl.NumberFormat(language, { style: 'percent' })
const decimal = new Intl.NumberFormat(language, { maximumFractionDigits: 1 })
const either = new Intl.ListFormat(language, { type: 'disjunction' })

export function size(bytes) {
  const step = Math.min(3, Math.floor(Math.log2(bytes || 1) / 10))
  return `${decimal.format(bytes / 1024 ** step)} ${['B', 'KB', 'MB', 'GB'][step]}`
}

/**
 * Says why a file was not uploaded.
 * @param {{ code: string, message: string, status?: number, limits?: object, hadTicket?: boolean }} error
 */
export function words({ code, message, status, limits, hadTicket }) {
  const unnamed = status === 401 ? (hadTicket ? 'ticket_refused' : 'ticket_missing') : 'other'
  return (text.why[SAME[code] ?? code] ?? text.why[unnamed])(limits ?? {}, message)
}

/** Says what a route takes: kinds, sizes, how many. */
export function terms({ min_size: min, max_size: max, types, extensions, max_files: most }) {
  const kinds = kindsOf({ types, extensions }) || text.anyKind
  const sizes = max && (min > 1 ? text.range(size(min), size(max)) : text.most(size(max)))
  const count = most < LEAST_WORTH_SAYING && text.count(most)
  const whole = [sizes, count].filter(Boolean).map((part) => part.replaceAll(' ', '\u00a0')) // Kept on one line each.
  const said = [kinds, ...whole].join(' · ')
  return said.charAt(0).toUpperCase() + said.slice(1)
}

/** Lists what a route takes as people call it: endings where it has some, else the names of types. */
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
 * Reads the subject of a ticket or a token, whose second part is JSON as base64url in both; nothing where it has none.
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

/** Writes a text such that every character of it shows, and not too many. @param {string} text */
export function visible(text) {
  const characters = [...text.replace(UNSEEN, '\ufffd')]
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join('')}…` : characters.join('')
}
