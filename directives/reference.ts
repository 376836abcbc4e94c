import type { Directive } from './directive.ts'
import { knownNames } from './known-names.ts'
import type { OwnDirective } from './own-directive.ts'
import { type SectionName, sectionNamed, sections } from './section.ts'
import { type DirectiveName, directiveNamed, families, rows } from './table.ts'

/** The reference page, as Markdown: every directive by family, then the sections. */
export function reference(): string {
  const directives = Object.entries(families).map(([family, members]) => {
    const names = Object.keys(members) as DirectiveName[]
    const title = `## ${titles[family as keyof typeof families]}`
    const more = family === 'session' ? [aboutSessions] : []
    return [title, ...more, ...names.map(directiveChapter)].join('\n\n')
  })
  const names = Object.keys(sections) as SectionName[]
  return `${[introduction, ...directives, sectionsIntroduction, ...names.map(sectionChapter)].join('\n\n')}\n`
}

/** The same of the directive or section of a name, whatever its case, as text for a terminal; undefined where there is none. */
export function describeNamed(name: string): string | undefined {
  const directive = directiveNamed(name)
  if (directive !== undefined) return describe(directive)
  const section = sectionNamed(name)
  return section && asText(`[${section} ${sections[section].argument}]`, sections[section].doc, factsOfSection(section))
}

/** The likely intent of a name that is none: `use Require`, `did you mean PSOSessionExpire?`. */
export function insteadOf(name: string): string | undefined {
  const names = knownNames(rows)
  const replacing = names.replacing(name)
  if (replacing !== undefined) return `use ${replacing}`
  const nearest = names.nearest(name)
  return nearest && `did you mean ${nearest}?`
}

/** The same of one directive, as text for a terminal. */
export function describe(name: DirectiveName): string {
  return asText(`${name} = ${rows[name].kind.syntax}`, rows[name].doc, factsOf(name))
}

/** The same of a directive that a class declares. */
export function describeOwn({ name, kind, defaultWord, doc, declaredBy }: OwnDirective): string {
  return asText(`${name} = ${kind.syntax}`, doc, [
    ['Default', defaultWord ?? 'none'],
    ['Declared by', declaredBy],
    ['Where', '.psoaccess'],
    ['AllowOverride', 'Session'],
    ['Merging', 'replace'],
  ])
}

function asText(syntax: string, doc: string, facts: readonly Fact[]): string {
  const width = Math.max(...facts.map(([label]) => label.length)) + 2
  const lines = facts.map(([label, text]) => `  ${label.padEnd(width)}${text}`)
  return [syntax, '', `  ${doc}`, '', ...lines, ''].join('\n')
}

type Fact = readonly [label: string, text: string]

const titles: Readonly<Record<keyof typeof families, string>> = {
  service: 'Services',
  session: 'Sessions',
  cookie: 'The session cookie',
  phases: 'Phases',
  content: 'What answers a URL',
  input: 'What a request brings',
  cgi: 'CGI programs',
  server: 'The server',
}

const aboutSessions =
  'What sessions guarantee and how that is tested, their values, locks, labels and commands: [Sessions](../../session/SESSIONS.md).'

const introduction = `# Directives

Written from the table by \`npm run docs\`; do not edit.

A line is \`Name = arguments\`; names ignore case. \`Name =\` resets what was inherited to the default.

- **Comments** begin with \`;\` or \`#\` at the start of a line, after white space or after a closing quote: \`900 # 15 minutes\` is 900, \`a#b\` is whole.
- **Quotes** are \`"\` or \`'\`; in them \`\\"\`, \`\\'\` and \`\\\\\` are escapes. A \`\\\` at the end continues the line.
- **\`\${NAME}\`** is a variable of the server's environment, in a .psoaccess one that \`ExposeEnv\` names; a variable that is not set is an error.
- **Order**: the plain lines of server.ini, then those of [Directory] sections and .psoaccess files from the root down; then all [Files] and
  [FilesMatch] from the root down, so that a parent's section beats a child's plain line; then [Location].
- **Paths** of modules are relative to the file that names them, paths for writing to \`StateDirectory\`; nothing is written where a request could reach it.
- **A mistake** closes its directory and all below it with 500, and is reported with file, line and the nearest name: in the error log, by
  \`pso check\`, and in development on the page. In server.ini it stops the start; at a reload the old configuration keeps serving.
- **Directives of your own**: a class that a module named in the directory's chain exports may declare some, \`static directives = {
  PSOMine_Table: { kind: 'text', default: 'session', doc: 'Names the table.' } }\`. The kinds are \`text\`, \`number\`, \`integer\`, \`seconds\`,
  \`flag\` (on or off), \`path\` (for writing) and a list of words. A \`.psoaccess\` sets them like any other, and \`this.directives\` has the
  values. They are checked when the modules are loaded; \`pso check\`, \`pso explain\` and \`pso directives\` know them too.
- **Limits**: 1 MiB and 10,000 lines per file; a pattern that could run away is an error.

How the value in a directory is made from its parent's and its own:

- **replace**: its own counts.
- **by key**: entry by entry; where both have one, its own counts.
- **append**: the parent's entries, then its own.
- **child first**: its own entries, then the parent's; the first that matches counts.
- **signed**: words with + and - change the parent's; words without signs replace it.`

const sectionsIntroduction = `## Sections

The lines from \`[Name argument]\` to \`[/Name]\`, or to the end of the file, apply only where the argument matches. A section ends an open
one of the same name; different ones nest.`

const directiveChapter = (name: DirectiveName): string =>
  chapter(name, rows[name].doc, `${name} = ${rows[name].kind.syntax}`, factsOf(name))

const sectionChapter = (name: SectionName): string =>
  chapter(name, sections[name].doc, `[${name} ${sections[name].argument}]`, factsOfSection(name))

const chapter = (name: string, doc: string, syntax: string, facts: readonly Fact[]): string =>
  [
    `### ${name}`,
    doc,
    `\`\`\`ini\n${syntax}\n\`\`\``,
    facts.map(([label, text]) => `- ${label}: ${text}`).join('\n'),
  ].join('\n\n')

const factsOfSection = (name: SectionName): readonly Fact[] => [
  ['Where', sections[name].serverOnly ? 'server.ini' : 'server.ini, .psoaccess'],
  ['Nests in', sections[name].within.join(', ') || 'nothing'],
]

function factsOf(name: DirectiveName): readonly Fact[] {
  const row = rows[name]
  return [
    ['Default', row.defaultDoc ?? (row.kind.show(row.default) || 'none')],
    ['Where', places[row.scope]],
    ...(row.scope === 'directory' ? [['AllowOverride', groupOf(row)] as const] : []),
    ['Merging', row.merge.name],
    ['Twice in one file', row.repeat === 'last' ? 'a warning, and the last stands' : (row.within ?? row.merge).name],
    ...(row.into === undefined ? [] : [['Counts as a line of', row.into] as const]),
    ...(row.aliases === undefined ? [] : [['Also written', row.aliases.join(', ')] as const]),
    ...(row.replaces === undefined ? [] : [['Instead of', row.replaces.join(', ')] as const]),
  ]
}

const places: Readonly<Record<Directive<unknown>['scope'], string>> = {
  server: 'server.ini',
  section: 'server.ini and its [Directory] sections',
  directory: 'server.ini, its sections, .psoaccess',
}

function groupOf({ override, overrideFor }: Directive<unknown>): string {
  if (override === 'any') return 'not needed'
  return overrideFor === undefined ? override : `${override}, or Handlers for pso-program`
}
