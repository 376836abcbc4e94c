import { closeSync, lstatSync, readSync, realpathSync, type Stats } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { ALLOWED_METHODS } from '../allowed-methods.ts'
import type { FileSlice } from '../api/output.ts'
import { acceptedCodings, type Coding, codings } from '../files/accept-encoding.ts'
import { byteRange } from '../files/byte-range.ts'
import { conditionalStatus, rangeHolds } from '../files/conditional.ts'
import { mediaTypeOf, type TypeSettings } from '../files/media-type.ts'
import { type OpenFile, openFile } from '../files/open-file.ts'
import { Refusal } from '../refusal.ts'

/** The answer for a file, before it is sent. */
export interface Answer {
  readonly status: number
  /** Name and value in turn; Content-Length stands among them where there is a body. */
  readonly headers: readonly string[]
  readonly body: Buffer | FileSlice | undefined
}

export interface StaticFiles {
  /** Throws a Refusal where the file may not be sent after all, and 403 where it cannot be read. */
  answer(method: string, headers: IncomingHttpHeaders, file: string, stats: Stats, settings: StaticSettings): Answer
}

export interface StaticSettings extends TypeSettings {
  /** The second check, of the real path that is about to be opened. */
  readonly isServable: (realPath: string) => boolean
  /** The part of it that may change without the file. */
  readonly isModule: (realPath: string) => boolean
}

/** One representation of a file: as it is, or a precompressed neighbour. */
interface Entry {
  /** Of the open file. */
  readonly stats: Stats
  readonly settings: StaticSettings
  readonly realPath: string
  readonly etag: string
  readonly lastModified: string
  /** The file has precompressed neighbours, so that the answer depends on Accept-Encoding. */
  readonly varies: boolean
  /** Those that a 304 has too. */
  readonly common: readonly string[]
  readonly complete: readonly string[]
  /** The whole of a small file; absent for one that is streamed. */
  readonly bytes: Buffer | undefined
}

interface Neighbour {
  readonly coding: Coding
  readonly stats: Stats
}

const LARGEST_KEPT = 64 * 1024
const MAX_NEIGHBOURS = 10_000
/** Within the step of a file system's clock a file may change and keep its times: what is younger is read each time. */
const CLOCK_STEP_MS = 2000

/**
 * Static files as Apache's default handler serves them: conditions, one range, precompressed neighbours. Small files come from a
 * memory cache of `cacheBytes`, as long as their stat is the same; others are opened, and their headers describe the open file, so
 * that no answer mixes a file with the one that replaces it. Neighbours are looked for once in `recheckMs`.
 */
export function createStaticFiles({
  cacheBytes,
  now,
  recheckMs,
}: {
  readonly cacheBytes: number
  readonly now: () => number
  readonly recheckMs: number
}): StaticFiles {
  const entries = new Map<string, Entry>()
  const neighbours = new Map<string, { readonly at: number; readonly found: readonly Neighbour[] }>()
  let kept = 0

  function neighboursAt(file: string, stats: Stats): readonly Neighbour[] {
    const known = neighbours.get(file)
    const time = now()
    if (known !== undefined && time >= known.at && time - known.at < recheckMs) return known.found
    const found = neighboursOf(file, stats)
    if (neighbours.size >= MAX_NEIGHBOURS) neighbours.clear()
    neighbours.set(file, { at: time, found })
    return found
  }

  function keep(key: string, entry: Entry): void {
    if (Math.abs(now() - entry.stats.ctimeMs) < CLOCK_STEP_MS) return
    entries.set(key, entry)
    kept += weight(entry)
    for (const [oldest, old] of entries) {
      if (kept <= cacheBytes) return
      forget(oldest, old)
    }
  }

  function forget(key: string, entry: Entry): void {
    entries.delete(key)
    kept -= weight(entry)
  }

  /** Makes it the last to be dropped. While there is room the order is not worth its price. */
  function touch(key: string, entry: Entry): void {
    if (kept < cacheBytes / 2) return
    entries.delete(key)
    entries.set(key, entry)
  }

  return {
    answer(method, headers, file, stats, settings) {
      if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') return otherMethod(method)
      const found = neighboursAt(file, stats)
      const accepted = found.length === 0 ? [] : acceptedCodings(headers['accept-encoding'])
      const chosen = accepted.flatMap(coding => found.filter(one => one.coding === coding))[0]
      const varies = found.length > 0
      // a neighbour may also be asked for by its own name: that is another entry
      const key = chosen === undefined ? file : `${file}\0${chosen.coding.name}`
      const known = entries.get(key)
      if (known !== undefined) {
        const isFresh = isSame(known.stats, chosen?.stats ?? stats) && known.varies === varies
        if (isFresh && known.settings === settings) {
          // a module that a handler has imported since is a module now
          if (settings.isModule(known.realPath)) throw new Refusal(404, `${known.realPath} is never sent`)
          touch(key, known)
          return answerEntry(method, headers, known, undefined)
        }
        forget(key, known)
      }
      const opened = openFile(chosen === undefined ? file : file + chosen.coding.extension)
      let answer: Answer | undefined
      try {
        const entry = readEntry(opened, file, chosen?.coding, varies, settings)
        if (entry.bytes !== undefined) keep(key, entry)
        answer = answerEntry(method, headers, entry, opened.fd)
        return answer
      } finally {
        if (!(answer?.body !== undefined && 'fd' in answer.body)) closeSync(opened.fd)
      }
    },
  }
}

const weight = ({ bytes }: Entry): number => bytes!.length + 1024

function readEntry(
  { fd, stats, realPath }: OpenFile,
  file: string,
  coding: Coding | undefined,
  varies: boolean,
  settings: StaticSettings,
): Entry {
  const isRight =
    settings.isServable(realPath) && (coding === undefined || settings.isServable(realpathSync.native(file)))
  if (!isRight) throw new Refusal(404, `${realPath} is never sent`)
  const bytes = stats.size <= LARGEST_KEPT ? readWhole(fd, stats.size) : undefined
  const etag = `"${Math.floor(stats.mtimeMs * 1000).toString(36)}-${stats.size.toString(36)}${coding === undefined ? '' : `-${coding.name}`}"`
  const lastModified = new Date(Math.min(stats.mtimeMs, Date.now())).toUTCString()
  const type = mediaTypeOf(file, settings)
  const common = ['ETag', etag, ...(varies ? ['Vary', 'Accept-Encoding'] : [])]
  const complete = [
    ...common,
    'Last-Modified',
    lastModified,
    'Accept-Ranges',
    'bytes',
    ...(type === undefined ? [] : ['Content-Type', type]),
    ...(coding === undefined ? [] : ['Content-Encoding', coding.name]),
  ]
  return { stats, settings, realPath, etag, lastModified, varies, common, complete, bytes }
}

const isSame = (a: Stats, b: Stats): boolean =>
  a.mtimeMs === b.mtimeMs && a.size === b.size && a.ino === b.ino && a.ctimeMs === b.ctimeMs

/** The precompressed neighbours that are not older than the file: `page.html.br` beside `page.html`. Links are none. */
function neighboursOf(file: string, stats: Stats): Neighbour[] {
  try {
    return codings.flatMap(coding => {
      const found = lstatSync(file + coding.extension, { throwIfNoEntry: false })
      return found?.isFile() && found.mtimeMs >= stats.mtimeMs ? [{ coding, stats: found }] : []
    })
  } catch {
    // a name that is too long with its ending, or a directory that has just gone
    return []
  }
}

function otherMethod(method: string): Answer {
  return method === 'OPTIONS'
    ? { status: 200, headers: ['Allow', ALLOWED_METHODS, 'Content-Length', '0'], body: undefined }
    : { status: 405, headers: ['Allow', ALLOWED_METHODS], body: undefined }
}

function answerEntry(method: string, headers: IncomingHttpHeaders, entry: Entry, fd: number | undefined): Answer {
  const condition = method === 'POST' ? 200 : conditionalStatus(headers, entry)
  if (condition === 304) return { status: 304, headers: entry.common, body: undefined }
  if (condition === 412) return { status: 412, headers: [], body: undefined }
  const size = entry.bytes?.length ?? entry.stats.size
  const range =
    method === 'GET' && rangeHolds(headers['if-range'] as string | undefined, entry)
      ? byteRange(headers.range, size)
      : undefined
  if (range === 'unsatisfiable') return { status: 416, headers: ['Content-Range', `bytes */${size}`], body: undefined }
  const { start, length } = range ?? { start: 0, length: size }
  const complete = [...entry.complete, 'Content-Length', String(length)]
  if (range !== undefined) complete.push('Content-Range', `bytes ${start}-${start + length - 1}/${size}`)
  const status = range === undefined ? 200 : 206
  if (method === 'HEAD') return { status, headers: complete, body: undefined }
  const { bytes } = entry
  return {
    status,
    headers: complete,
    body: bytes?.subarray(start, start + length) ?? { fd: fd!, start, length, stats: entry.stats },
  }
}

/** If the file is cut short meanwhile, what there is of it. */
function readWhole(fd: number, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let at = 0
  for (let count = -1; at < size && count !== 0; at += count) count = readSync(fd, bytes, at, size - at, at)
  return bytes.subarray(0, at)
}
