import { dirname, resolve } from 'node:path'
import { knownNames } from './known-names.ts'
import type { Block, Layer, Setting, Table } from './layer.ts'
import type { MergeRule } from './merge-rules.ts'
import { complain, newBlock, type OpenBlock, type Parsing, type Source, wordsOf } from './parsing.ts'
import type { Position } from './position.ts'
import { readLines } from './read-lines.ts'
import { isInPlace, readSetting } from './read-setting.ts'
import { closeSection, openSection } from './section-stack.ts'
import { rows } from './table.ts'
import { notALine } from './unknown-line.ts'

/** Never throws: what is wrong is in `problems`, in the order of the file. */
export function parseFile(source: Source, table: Table = rows): Layer {
  const parsing: Parsing = {
    source,
    table,
    names: knownNames(table),
    blocks: [newBlock([])],
    open: [],
    problems: [],
    files: [],
    hints: 0,
  }
  readInto(parsing, source.file, source.text)
  return { file: source.file, blocks: parsing.blocks.map(block => addedUp(block, table)), problems: parsing.problems }
}

function addedUp(block: OpenBlock, table: Table): Block {
  const settings = [...block.settings].map(([name, { reset, values, origins }]): [string, Setting] => {
    const { merge, within = merge } = table[name]!
    return [name, { reset, origins, ...(values.length === 0 ? {} : { value: sumOf(values, within) }) }]
  })
  return { ...block, settings: new Map(settings) }
}

/** Neighbours first, so that a long list is not copied for each of its lines; every rule is associative. */
function sumOf(values: readonly unknown[], rule: MergeRule<unknown>): unknown {
  if (values.length === 1) return values[0]
  const middle = values.length >> 1
  return rule.merge(sumOf(values.slice(0, middle), rule), sumOf(values.slice(middle), rule))
}

function readInto(parsing: Parsing, file: string, text: string): void {
  parsing.files.push(file)
  for (const line of readLines(text, file)) {
    const block = parsing.open.length === 0 ? parsing.blocks[0] : parsing.open.at(-1)!.block
    if (line.kind === 'section') openSection(parsing, line)
    else if (line.kind === 'end') closeSection(parsing, line)
    else if (block === undefined) continue
    else if (line.kind === 'wrong') complain(parsing, line.code, line.at, undefined, line.message)
    else if (line.kind === 'other') notALine(parsing, line)
    else if (parsing.names.find(line.name) !== 'Include') readSetting(parsing, block, line)
    else if (isInPlace(parsing, block, line.at, 'Include')) include(parsing, line.at, line.text)
  }
  // a section that nobody ends runs to the end of its file
  parsing.open = []
  parsing.files.pop()
}

const MAX_INCLUDES = 10

/** Reads other files in place of the line; their paths are relative to the file that names them. */
function include(parsing: Parsing, at: Position, text: string): void {
  const words = wordsOf(parsing, at, 'Include', text)
  if (words?.length === 0) complain(parsing, 'bad-value', at, 'Include', 'expected a path, got nothing')
  for (const word of words ?? []) {
    const file = resolve(dirname(at.file), word)
    const got = `got ${JSON.stringify(word)}`
    if (parsing.files.includes(file))
      complain(parsing, 'bad-value', at, 'Include', `expected a file that is not being read already, ${got}`)
    else if (parsing.files.length > MAX_INCLUDES)
      complain(parsing, 'bad-value', at, 'Include', `expected at most ${MAX_INCLUDES} files within each other, ${got}`)
    else
      try {
        readInto(parsing, file, parsing.source.readIncluded(file))
      } catch (error) {
        complain(parsing, 'unreadable', at, 'Include', (error as Error).message)
      }
  }
}
