import type { Request } from 'pso'
import { exampleAt } from '../examples.ts'
import { type Html, html } from './html.ts'
import { layout } from './layout.ts'
import { prose } from './prose.ts'

/** By name, what a handler knows just now; undefined is shown as a dash. */
type Facts = Readonly<Record<string, unknown>>

/** By its text, where a link leads: `?do=expire`. */
type Links = Readonly<Record<string, string>>

/** The page of the example whose directory the URL begins with, with a way back to where its source is shown. */
export function examplePage(req: Request, facts: Facts, links: Links = {}, more?: Html): string {
  const { directory, section, title, text } = exampleAt(req.uri)
  return layout(
    `${title} · pso`,
    html`<main class="example">
<p class="back"><a href="/#${directory}">← All examples, with their sources</a></p>
<p class="section">${section}</p>
<h1>${title}</h1>
<p>${prose(text)}</p>
<dl>
${Object.entries(facts).map(([name, value]) => html`<div><dt>${name}</dt><dd>${shown(value)}</dd></div>\n`)}</dl>
<p class="actions">
${Object.entries({ 'Try reload': './', ...links }).map(([name, url]) => html`<a href="${url}">${name}</a>\n`)}</p>
${more}
</main>`,
  )
}

const shown = (value: unknown): unknown => (value instanceof Date ? value.toUTCString() : (value ?? '–'))
