import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DECLINED, OK, type Request } from 'pso'
import { type Example, type Section, sections } from './examples.ts'
import { type Html, html } from './page/html.ts'
import { layout } from './page/layout.ts'
import { prose } from './page/prose.ts'

/** The front page. Directories below inherit this handler, so it declines whatever is not its own URL. */
export function handler(req: Request) {
  if (req.pathInfo !== '') return DECLINED
  req.write(layout('pso · the how-to, live', frontPage()))
  return OK
}

const frontPage = (): Html => html`<header>
<h1>pso</h1>
<p>A web server for TypeScript that feels like Apache with mod_python, or like PHP. Put <code>.psoaccess</code> and <code>handler.ts</code>
into a directory below <code>public_html</code> and they are live; edit either, and the next request sees it.</p>
<p>Below, the examples of the how-to “Easy mod_python Session Handling with pso.session” are running. Beside each stand its files,
read from the disk just now.</p>
<nav aria-label="Sections"><ol>
${sections.map(({ title }) => html`<li><a href="#${anchorOf(title)}">${title}</a></li>\n`)}</ol></nav>
</header>
<main>
${sections.map(showSection)}</main>
<footer>This page is made by <code>public_html/handler.ts</code>. Sources are never served: it shows them as text.</footer>`

const showSection = ({ title, text, examples }: Section): Html => html`<section id="${anchorOf(title)}">
<h2>${title}</h2>
<p>${prose(text)}</p>
${examples.map(showExample)}</section>
`

const showExample = ({ directory, title, text }: Example): Html => html`<article id="${directory}">
<div class="about">
<h3>${title}</h3>
<p>${prose(text)}</p>
<p><a class="open" href="/${directory}/">Open /${directory}/</a></p>
</div>
<div class="files">
${sourcesOf(directory).map(showSource)}</div>
</article>
`

const showSource = ({ name, text }: Source): Html => html`<figure>
<figcaption>${name}</figcaption>
${text === '' ? html`<p class="empty">an empty file</p>` : html`<pre tabindex="0"><code>${text}</code></pre>`}
</figure>
`

interface Source {
  /** Below the document root. */
  readonly name: string
  readonly text: string
}

/** The configuration and the modules of an example, those of the upper directories first. */
function sourcesOf(directory: string): Source[] {
  const names = globSync(['**/.psoaccess', '**/*.ts'], { cwd: join(import.meta.dirname, directory) })
  const depthOf = (name: string): number => name.split('/').length
  return names
    .sort((a, b) => depthOf(a) - depthOf(b) || (a < b ? -1 : 1))
    .map(name => ({
      name: `${directory}/${name}`,
      text: readFileSync(join(import.meta.dirname, directory, name), 'utf8'),
    }))
}

const anchorOf = (title: string): string => title.toLowerCase().replace(/[^a-z0-9]+/g, '-')
