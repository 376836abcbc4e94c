/** Markup that is safe to send. */
export class Html {
  readonly markup: string

  constructor(markup: string) {
    this.markup = markup
  }
}

/**
 * Markup with values in it: text is escaped, so that it is text for the browser too, markup stays, and lists are joined.
 * undefined is nothing. Safe in element content and in quoted attributes.
 */
export function html(strings: TemplateStringsArray, ...values: unknown[]): Html {
  return new Html(strings.reduce((before, string, at) => before + markupOf(values[at - 1]) + string))
}

function markupOf(value: unknown): string {
  if (value instanceof Html) return value.markup
  if (Array.isArray(value)) return value.map(markupOf).join('')
  if (value === undefined) return ''
  return String(value).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
