const signer = 'https://signer.example.com/wechat/photos'

/** Uploads one of the `tempFiles` of `wx.chooseMedia`, and returns the object's key. */
export async function upload({ tempFilePath, size }) {
  const { statusCode, data: grant } = await call(wx.request, { url: signer, data: { filename: tempFilePath, size } })
  if (statusCode !== 200) throw new Error(grant.message)
  const answer = await call(wx.uploadFile, { ...grant, filePath: tempFilePath, timeout: 600000 })
  if (answer.statusCode !== 200) throw new Error(answer.data.match('<Message>(.*)</Message>')?.[1] ?? `HTTP ${answer.statusCode}`)
  return grant.key
}

/** WeChat calls `success` for every status; `fail` means that there was no response. */
function call(method, options) {
  const refuse = (fail) => ({ errMsg }) => fail(new Error(errMsg))
  return new Promise((success, fail) => method({ ...options, success, fail: refuse(fail) }))
}
