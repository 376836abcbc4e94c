import { lstatSync, type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Layer } from './layer.ts'
import { parseFile } from './parse-file.ts'
import { readText } from './read-text.ts'
import { type ServerConfig, unreadableProblem } from './server-config.ts'

/** The access file of a directory, as it was when it was last read. */
export interface AccessFile {
  /** What the file looked like when it was read; '' if it may have changed since without a trace. */
  readonly stamp: string
  readonly text: string
  readonly layer: Layer
}

/** Reads the access file of a directory again if it has changed; the same layer stays if its text has not. */
export function accessFileOf(
  server: ServerConfig,
  { path, root }: { readonly path: string; readonly root: string },
  allows: ReadonlySet<string>,
  before: AccessFile | undefined,
): AccessFile | undefined {
  if (allows.size === 0) return undefined
  for (const name of server.directives.AccessFileName) {
    const file = join(path, name)
    const stamp = stampOf(file)
    if (stamp === undefined) continue
    if (before?.layer.file === file && before.stamp === stamp && stamp !== '') return before
    return read(server, root, file, stamp, allows, before)
  }
  return undefined
}

function read(
  server: ServerConfig,
  root: string,
  file: string,
  stampBefore: string,
  allows: ReadonlySet<string>,
  before: AccessFile | undefined,
): AccessFile {
  const found = readText(file, root)
  const text = typeof found === 'string' ? found : `\0${found.message}`
  // what could not be read, perhaps for lack of descriptors, may be readable the next time
  const stamp = typeof found === 'string' || found.code !== 'unreadable' ? stampBefore : ''
  if (before !== undefined && before.layer.file === file && before.text === text) return { ...before, stamp }
  const layer: Layer =
    typeof found === 'string'
      ? parseFile(server.server.sourceOf(file, found, allows))
      : { file, blocks: [], problems: [unreadableProblem(file, found)] }
  return { stamp, text, layer }
}

/** How long a file system's clock may stand still: a change so soon after a read may not show in the times. */
const UNSETTLED_MS = 50

/** Undefined where there is nothing; a dangling link is something. Costs 1 us. */
function stampOf(file: string): string | undefined {
  try {
    const own = lstatSync(file, { throwIfNoEntry: false })
    if (own === undefined) return undefined
    const target = own.isSymbolicLink() ? statSync(file, { throwIfNoEntry: false }) : own
    return target === undefined || isUnsettled(own) || isUnsettled(target) ? '' : `${stampIn(own)} ${stampIn(target)}`
  } catch {
    return ''
  }
}

const stampIn = ({ ino, size, mtimeMs, ctimeMs }: Stats): string => `${ino} ${size} ${mtimeMs} ${ctimeMs}`

const isUnsettled = ({ ctimeMs }: Stats): boolean => Math.abs(Date.now() - ctimeMs) < UNSETTLED_MS
