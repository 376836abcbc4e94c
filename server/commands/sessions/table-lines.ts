/** A column of a table for the terminal. */
export interface Column<Row> {
  readonly title: string
  readonly isNumber?: boolean
  text(row: Row): string
}

/** Titles, then the rows, each column as wide as what it holds. */
export function* tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Generator<string> {
  const widths = columns.map(({ title, text }) =>
    rows.reduce((width, row) => Math.max(width, text(row).length), title.length),
  )
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, at) => (columns[at]!.isNumber ? text.padStart(widths[at]!) : text.padEnd(widths[at]!)))
      .join('  ')
      .trimEnd()
  yield line(columns.map(({ title }) => title))
  for (const row of rows) yield line(columns.map(({ text }) => text(row)))
}
