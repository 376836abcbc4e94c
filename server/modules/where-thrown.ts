import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codeFrame } from './code-frame.ts'
import { HandlerError } from './handler-error.ts'
import { importHint } from './import-hint.ts'

/** What is known of an error, for people. */
export interface Thrown {
  /** One sentence with its place: `TypeError: x is not a function, /srv/site/handler.ts:3 (hint)`. */
  readonly message: string
  /** The lines around the place. */
  readonly frame: string | undefined
}

/**
 * Tells what an error says and where in a user's code it came from; `?v=N` of a reloaded module is not shown.
 * `running`: the function to name where the error itself tells no place.
 */
export function whereThrown(error: unknown, running?: string): Thrown {
  try {
    if (error instanceof HandlerError) return ofHandlerError(error)
    if (error instanceof Error) return described(error, `${error.name}: ${error.message}`, running)
    return {
      message: `${typeof error === 'string' ? JSON.stringify(error) : String(error)} was thrown${inFunction(running)}`,
      frame: undefined,
    }
  } catch {
    // its own toString, or a getter of it, throws; an object without a prototype has none
    return { message: `a value that cannot be shown was thrown${inFunction(running)}`, frame: undefined }
  }
}

function ofHandlerError(error: HandlerError): Thrown {
  if (error.cause instanceof Error) return described(error.cause, `${error.message}: ${error.cause.message}`)
  if ('cause' in error) return { message: `${error.message}: ${whereThrown(error.cause).message}`, frame: undefined }
  const at = error.at
  const where = at === undefined ? '' : `, ${at.file}:${at.line}`
  return { message: `${error.message}${where}`, frame: undefined }
}

const inFunction = (running: string | undefined): string => (running === undefined ? '' : `, in ${running}`)

function described(error: Error, text: string, running?: string): Thrown {
  const place = placeOf(error) ?? (error.cause instanceof Error ? placeOf(error.cause) : undefined)
  const hint = importHint(error, place?.file)
  const where = place === undefined ? inFunction(running) : `, ${place.file}:${place.line}`
  return {
    message: `${text.replace(/\?v=\d+/g, '')}${where}${hint === undefined ? '' : ` (${hint})`}`,
    frame: place === undefined ? undefined : codeFrame(place.file, place.line, place.column),
  }
}

interface Place {
  readonly file: string
  readonly line: number
  readonly column?: number
}

/** Where pso's own sources are: a session's error is traced to the line of the handler that caused it. */
const ownDirectories = ['..', '../../session', '../../directives'].map(name =>
  fileURLToPath(new URL(`${name}/`, import.meta.url)),
)

/** The head of the stack, where Node puts the place of a syntax error, else the first frame in a user's code. */
function placeOf(error: Error): Place | undefined {
  const stack = error.stack ?? ''
  const head = /^(?:file:\/\/)?(\/[^\n]*?)(?:\?v=\d+)?:(\d+)\n/.exec(stack)
  if (head !== null) {
    const caret = /\n(\s*)\^/.exec(stack)
    return {
      file: decodeURI(head[1]!),
      line: Number(head[2]),
      ...(caret === null ? {} : { column: caret[1]!.length + 1 }),
    }
  }
  // a module is named by its URL, a CommonJS module by its path
  for (const [, url, path, line, column] of stack.matchAll(
    /^ +at (?:.*?\(|async )?(?:(file:\/\/\/\S*?)(?:\?v=\d+)?|(\/.*?)):(\d+):(\d+)\)?$/gm,
  )) {
    const file = path ?? fileURLToPath(url!)
    if (!ownDirectories.some(own => file.startsWith(own)) && !file.includes('/node_modules/'))
      return { file, line: Number(line), column: Number(column) }
  }
  const importer = /'([^']+)' imported from (\/[^\n]+?)$/m.exec(error.message)
  if (importer === null) return undefined
  const file = importer[2]!.replace(/\?v=\d+/, '')
  return { file, line: lineOfImport(file, basename(importer[1]!)) }
}

/** The line that imports a module of that name; 1 where none can be found. */
function lineOfImport(file: string, name: string): number {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.findIndex(line => /\b(?:import|from|require)\b/.test(line) && line.includes(name)) + 1 || 1
}
