import { isAbsolute, resolve } from 'node:path'
import { compilePattern, hasWildcard, type Pattern, wildcardSource } from './pattern.ts'

/** What decides whether a section's lines count. */
export type SectionName = 'Directory' | 'Location' | 'Files' | 'FilesMatch'

export interface Section {
  readonly name: SectionName
  /** As written, one blank between name and argument: `Files *.html`. */
  readonly written: string
  /** Directory: an absolute path without a slash at the end (`/` itself); Location: a URL path; Files, FilesMatch: a file name. */
  readonly matches: Pattern['matches']
}

/** All that is known about a section; the reference reads it here. */
interface SectionRow {
  /** The argument as the reference shows it. */
  readonly argument: string
  readonly serverOnly: boolean
  /** What it may nest in. */
  readonly within: readonly SectionName[]
  /** One sentence, present tense. */
  readonly doc: string
}

export const sections: Readonly<Record<SectionName, SectionRow>> = {
  Directory: {
    argument: 'PATH',
    serverOnly: true,
    within: [],
    doc: 'Applies to a directory and all below it, just before its .psoaccess; in the path `*` and `?` match no slash, and a relative path is relative to the directory that holds `conf`.',
  },
  Location: {
    argument: '/URL-PATH',
    serverOnly: true,
    within: [],
    doc: 'Applies to the URLs at and below a path, after everything else; `*` and `?` match no slash.',
  },
  Files: {
    argument: 'NAME | WILDCARD | ~ PATTERN',
    serverOnly: false,
    within: ['Directory', 'FilesMatch'],
    doc: "Applies to files of that name here and below, after the plain lines of all directories, so that it overrides a child's.",
  },
  FilesMatch: {
    argument: 'PATTERN',
    serverOnly: false,
    within: ['Directory', 'Files'],
    doc: 'Applies to files whose name the regular expression matches, as Files does.',
  },
}

/** The section's name as it is spelled here, whatever its case. */
export const sectionNamed = (name: string): SectionName | undefined =>
  (Object.keys(sections) as SectionName[]).find(section => section.toLowerCase() === name.toLowerCase())

/** Sections of the contract and of Apache that this version knows by name and does not serve. */
export const sectionsNotBuilt: readonly string[] = [
  'If',
  'ElseIf',
  'Else',
  'IfModule',
  'Limit',
  'LimitExcept',
  'RequireAll',
  'RequireAny',
  'RequireNone',
  'VirtualHost',
]

/** A section of these names ends an open one of its own name; the others nest. */
export const endsItsLike = (name: string): boolean => name in sections || name === 'VirtualHost'

interface Place {
  /** What a relative [Directory] is relative to. */
  readonly serverRoot: string
  /** The path as the file system spells it, links resolved, for as much of it as exists. */
  readonly realPath: (path: string) => string
}

/** Throws a plain Error for an argument that is none. */
export function readSection(name: SectionName, argument: readonly string[], place: Place): Section {
  return { name, written: `${name} ${argument.join(' ')}`, matches: matchers[name](argument, place) }
}

const matchers: Readonly<Record<SectionName, (argument: readonly string[], place: Place) => Pattern['matches']>> = {
  Directory(argument, { serverRoot, realPath }) {
    const path = onlyWord(argument, 'the path of a directory')
    const written = resolve(serverRoot, path)
    // below a linked document root the path as written never comes up
    return matchesAny([...new Set([written, realPath(written)])].map(one => whole(wildcardSource(one))))
  },
  Location(argument) {
    const path = onlyWord(argument, 'a URL path')
    if (!isAbsolute(path)) throw new Error(`expected a URL path that begins with /, got ${JSON.stringify(path)}`)
    return compilePattern(`^${wildcardSource(path)}${path.endsWith('/') ? '' : '(?:/|$)'}`).matches
  },
  Files(argument) {
    if (argument.length === 2 && argument[0] === '~') return compilePattern(argument[1]!).matches
    const name = onlyWord(argument, 'a file name, a wildcard, or ~ and a regular expression')
    if (name.includes('/')) throw new Error(`expected a file name without a slash, got ${JSON.stringify(name)}`)
    return hasWildcard(name) ? whole(wildcardSource(name)).matches : subject => subject === name
  },
  FilesMatch: argument => compilePattern(onlyWord(argument, 'a regular expression')).matches,
}

function onlyWord(argument: readonly string[], what: string): string {
  const [word] = argument
  if (word === undefined || word === '') throw new Error(`expected ${what}, got nothing`)
  if (argument.length > 1)
    throw new Error(`expected ${what}, in quotes if it has blanks, got ${JSON.stringify(argument.join(' '))}`)
  return word
}

const whole = (source: string): Pattern => compilePattern(`^${source}$`)

const matchesAny =
  (patterns: readonly Pattern[]): Pattern['matches'] =>
  subject =>
    patterns.some(pattern => pattern.matches(subject))
