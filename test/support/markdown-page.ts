import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { project } from './project.ts'

/** A page of the documentation, whose promises and examples are tested. */
export interface MarkdownPage {
  readonly text: string
  /** The examples of a language, `''` where none is said. */
  examples(language: string): string[]
  /** The cells of all rows of the tables that have this head. */
  rowsOf(head: string): string[][]
  /** Every promise names the tests that hold it, and they are there, or it says that there is none. */
  checkPromises(t: Test): void
}

/** `path`: from the top of the project. */
export function markdownPage(path: string): MarkdownPage {
  const text = readFileSync(join(project, path), 'utf8')
  const page: MarkdownPage = {
    text,
    examples: language =>
      [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, of, example]) => (of === language ? [example!] : [])),
    rowsOf: head =>
      text
        .split(`${head}\n`)
        .slice(1)
        .flatMap(rest => {
          const lines = rest.split('\n')
          const end = lines.indexOf('')
          return lines.slice(1, end === -1 ? undefined : end).map(line => line.slice(2, -1).trimEnd().split(' | '))
        }),
    checkPromises(t) {
      const rows = page.rowsOf('| Promise | Held by |')
      t.ok(rows.length > 5)
      for (const [promise = '', heldBy = ''] of rows) {
        const files = [...heldBy.matchAll(/`([^`]+)`/g)].map(([, file]) => file!)
        t.not(files.length > 0, heldBy === 'no test yet', promise)
        for (const file of files) t.ok(file.startsWith('test/') && existsSync(join(project, file)), file)
      }
    },
  }
  return page
}
