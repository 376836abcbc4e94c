import { readFileSync } from 'node:fs'

const AROUND = 3

/** The lines around a place, numbered, the line itself marked and its column (from 1) pointed at; undefined where the file cannot be read. */
export function codeFrame(file: string, line: number, column?: number): string | undefined {
  let lines: string[]
  try {
    lines = readFileSync(file, 'utf8').split(/\r?\n/)
  } catch {
    return undefined
  }
  if (line < 1 || line > lines.length) return undefined
  const from = Math.max(1, line - AROUND)
  const to = Math.min(lines.length, line + AROUND)
  const width = String(to).length
  const shown: string[] = []
  for (let number = from; number <= to; number++) {
    const text = lines[number - 1]!.slice(0, 200)
    shown.push(`${number === line ? '>' : ' '} ${String(number).padStart(width)} | ${text}`)
    if (number === line && column !== undefined) shown.push(`  ${' '.repeat(width)} | ${' '.repeat(column - 1)}^`)
  }
  return shown.join('\n')
}
