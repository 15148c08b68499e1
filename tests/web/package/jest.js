/** Jest with its defaults takes the CommonJS half of the package. */

const { sign, UploadError } = require('oss-upload-client')
const { OssUpload } = require('oss-upload-client/element')
const { createUploads } = require('oss-upload-client/uploads')

test('the package loads, and says what is missing', async () => {
  await expect(sign([new File(['a'], 'a.txt')])).rejects.toThrow(new UploadError('No signer: set `endpoint` to its address.', {}))
  expect(createUploads().getSnapshot()).toEqual({ items: [], isUploading: false, progress: 0 })
  expect(typeof OssUpload).toBe('function')
})
