import type { BusboyConfig, BusboyFileStream, BusboyInstance } from '@fastify/busboy'
import { isAtLimits } from '../at-limits.ts'
import { Refusal } from '../refusal.ts'
import type { RequestState } from '../request-state.ts'
import { MOST_TEXT } from './body-limits.ts'
import type { BodyInput } from './input.ts'
import { InputRefusal } from './input-refusal.ts'
import { receiveBody } from './receive-body.ts'
import { UploadedFile } from './uploaded-file.ts'
import { storeUpload } from './uploads.ts'
import type { Pair } from './urlencoded.ts'

/** How many bytes a field may have; a file's are not counted. */
const MOST_FIELD = 1024 * 1024
/** How much may arrive that belongs to no file and ends no field, in bytes: one field, and the head of its part. */
const MOST_BETWEEN = MOST_FIELD + 128 * 1024

/**
 * Reads `multipart/form-data` (RFC 7578): fields into memory, files onto disk, with backpressure. Parts without a name and files without a
 * file name are ignored. Nothing is left on disk where the form is refused.
 */
export async function receiveMultipart(state: RequestState, type: string): Promise<BodyInput> {
  const { PSOInputMaxFields, PSOInputMaxFiles, PSOInputMaxFileSize } = state.plan.directives
  const { raw, site } = state
  const { stateDirectory } = site.config
  const parser = await parserFor(type, {
    fields: orAny(PSOInputMaxFields),
    parts: orAny(PSOInputMaxFields) + orAny(PSOInputMaxFiles),
    fieldSize: MOST_FIELD,
    fileSize: orAny(PSOInputMaxFileSize),
  })
  const pairs: Pair[] = []
  const files: UploadedFile[] = []
  const stored: Promise<void>[] = []
  const open = new Set<BusboyFileStream>()
  let textSize = 0
  let between = 0
  let hasFailed = false

  const receiving = receiveBody(state, chunk => {
    between = open.size > 0 ? 0 : between + chunk.length
    if (between > MOST_BETWEEN) throw new InputRefusal(413, `a field of the form has more than ${MOST_FIELD} bytes`)
    if (!parser.write(chunk)) raw.pause()
  })
  parser.on('drain', () => hasFailed || raw.resume())
  const parsed = new Promise<void>((resolve, reject) => {
    const fail = (error: unknown): void => {
      hasFailed = true
      receiving.stop(error)
      reject(error)
    }
    const refuse = (status: number, message: string): void => fail(new InputRefusal(status, message))
    receiving.done.then(() => parser.end(), fail)
    parser.on('finish', resolve)
    parser.on('error', error => refuse(400, `the form is malformed: ${(error as Error).message}`))
    parser.on('fieldsLimit', () =>
      refuse(413, `the form has more than ${PSOInputMaxFields} fields (PSOInputMaxFields)`),
    )
    parser.on('partsLimit', () =>
      refuse(413, `the form has more parts than ${PSOInputMaxFields} fields and ${PSOInputMaxFiles} files`),
    )
    parser.on('field', (name: string | undefined, value, _isNameCut, isCut) => {
      between = 0
      textSize += value.length
      if (isCut) refuse(413, `a field of the form has more than ${MOST_FIELD} bytes`)
      else if (textSize > MOST_TEXT) refuse(413, `the fields of the form have more than ${MOST_TEXT} bytes`)
      else if (name !== undefined) pairs.push([name, value])
    })
    parser.on('file', (name: string | undefined, stream, filename, _encoding, mediaType) => {
      // its failure is the form's, which is told elsewhere
      stream.on('error', () => {})
      // nothing was chosen
      if (name === undefined || filename === '' || hasFailed) return stream.resume()
      if (PSOInputMaxFiles > 0 && files.length >= PSOInputMaxFiles)
        return refuse(413, `the form has more than ${PSOInputMaxFiles} files (PSOInputMaxFiles)`)
      stream.on('limit', () =>
        refuse(413, `a file of the form has more than ${PSOInputMaxFileSize} bytes (PSOInputMaxFileSize)`),
      )
      open.add(stream)
      const { path, done } = storeUpload(stateDirectory, stream)
      const file = new UploadedFile(state, { key: name, filename, type: mediaType, path })
      files.push(file)
      stored.push(
        done.then(
          () => {
            open.delete(stream)
            file.size = stream.bytesRead
          },
          cause => fail(notStored(cause)),
        ),
      )
    })
  })
  try {
    await parsed
    await Promise.all(stored)
    return { pairs, files }
  } catch (error) {
    for (const stream of open) stream.destroy()
    await Promise.all(stored)
    // where that fails too there is nothing new to say
    await Promise.allSettled(files.map(file => file.discard()))
    throw error
  }
}

function notStored(cause: NodeJS.ErrnoException): Error {
  const message = `an uploaded file could not be stored: ${cause.message}`
  return isAtLimits(cause) ? new Refusal(503, message) : new Error(message, { cause })
}

/** 0 is no limit. */
const orAny = (limit: number): number => (limit === 0 ? Number.POSITIVE_INFINITY : limit)

async function parserFor(type: string, limits: NonNullable<BusboyConfig['limits']>): Promise<BusboyInstance> {
  // when it is first needed: it costs the start of each worker 6 ms
  const { Busboy } = await import('@fastify/busboy')
  try {
    const isPartAFile = (_name?: string, _type?: string, filename?: string): boolean => filename !== undefined
    return new Busboy({ headers: { 'content-type': type }, limits, isPartAFile, preservePath: true })
  } catch (error) {
    throw new InputRefusal(400, `the form is malformed: ${(error as Error).message}`)
  }
}
