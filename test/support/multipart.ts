/** A part of a form: a field where it has no filename. */
export interface Part {
  readonly name?: string
  readonly filename?: string
  readonly type?: string
  readonly content: string | Buffer
}

const boundary = '----pso-test-boundary'

export const multipartType = `multipart/form-data; boundary=${boundary}`

/** The head of a part, as browsers write it. */
export const partHead = ({ name, filename, type }: Omit<Part, 'content'>): string =>
  `--${boundary}\r\nContent-Disposition: form-data` +
  (name === undefined ? '' : `; name="${name}"`) +
  (filename === undefined ? '' : `; filename="${filename}"`) +
  (type === undefined ? '' : `\r\nContent-Type: ${type}`) +
  '\r\n\r\n'

export const multipartEnd = `--${boundary}--\r\n`

/** The body of a form. */
export const multipartBody = (parts: readonly Part[]): Buffer =>
  Buffer.concat([
    ...parts.flatMap(part => [Buffer.from(partHead(part)), Buffer.from(part.content), Buffer.from('\r\n')]),
    Buffer.from(multipartEnd),
  ])

/** What `inject` and `fetch` take for a form. */
export const multipartPost = (parts: readonly Part[]) => ({
  method: 'POST' as const,
  headers: { 'content-type': multipartType },
  payload: multipartBody(parts),
})
