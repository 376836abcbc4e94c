import { nearestName } from './nearest-name.ts'
import { complain, newBlock, type OpenBlock, type Parsing, wordsOf } from './parsing.ts'
import type { Position } from './position.ts'
import type { ProblemCode } from './problem.ts'
import type { SourceLine } from './read-lines.ts'
import { endsItsLike, readSection, type Section, type SectionName, sections, sectionsNotBuilt } from './section.ts'

type Header = Extract<SourceLine, { kind: 'section' }>

/** Opens a section; if its kind does not nest in itself, ends an open one of its name first, and what is open inside that. */
export function openSection(parsing: Parsing, header: Header): void {
  const name = spelled(header.name)
  if (endsItsLike(name)) closeThrough(parsing, name)
  const outer = parsing.open.at(-1)
  const isSkipped = outer !== undefined && outer.block === undefined
  parsing.open.push({ name, block: isSkipped ? undefined : blockOf(parsing, header, name, outer?.block) })
}

export function closeSection(parsing: Parsing, { at, name: written }: { at: Position; name: string }): void {
  const name = spelled(written)
  if (closeThrough(parsing, name)) return
  complain(parsing, 'bad-section', at, `[/${name}]`, `expected an open [${name}], got none`)
}

function closeThrough(parsing: Parsing, name: string): boolean {
  const index = parsing.open.findLastIndex(open => open.name.toLowerCase() === name.toLowerCase())
  if (index !== -1) parsing.open = parsing.open.slice(0, index)
  return index !== -1
}

/** Where the lines of the section go; undefined where they are skipped, because the section has a problem. */
function blockOf(parsing: Parsing, header: Header, name: string, outer: OpenBlock | undefined): OpenBlock | undefined {
  const problem = (code: ProblemCode, message: string, hint?: string): undefined =>
    void complain(parsing, code, header.at, `[${name}]`, message, hint)
  const isServer = parsing.source.scope === 'server'
  if (!isServer && (name === 'VirtualHost' || (isBuilt(name) && sections[name].serverOnly)))
    return problem('wrong-place', 'expected in server.ini')
  if (sectionsNotBuilt.includes(name)) return problem('not-built', 'the section is not built yet')
  if (!isBuilt(name)) {
    const nearest = nearestName(name, allSections)
    return problem('unknown-section', 'unknown section', nearest && `did you mean [${nearest}]?`)
  }
  const around = outer?.sections.at(-1)
  if (around !== undefined && !sections[name].within.includes(around.name))
    return problem('wrong-place', `expected outside [${around.written}]`, `end that with [/${around.name}] first`)
  const block = newBlock([...(outer?.sections ?? []), sectionOf(parsing, name, header)])
  parsing.blocks.push(block)
  return block
}

/** A section whose argument is wrong matches nothing, but its lines are checked like any others. */
function sectionOf(parsing: Parsing, name: SectionName, { at, text }: Header): Section {
  const argument = wordsOf(parsing, at, `[${name}]`, text)
  try {
    if (argument !== undefined) return readSection(name, argument, parsing.source)
  } catch (error) {
    complain(parsing, 'bad-section', at, `[${name}]`, (error as Error).message)
  }
  return { name, written: `${name} ${text.trim()}`, matches: () => false }
}

const allSections: readonly string[] = [...Object.keys(sections), ...sectionsNotBuilt]

const spelled = (name: string): string =>
  allSections.find(section => section.toLowerCase() === name.toLowerCase()) ?? name

const isBuilt = (name: string): name is SectionName => Object.hasOwn(sections, name)
