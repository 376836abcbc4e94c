/** `&`, `<`, `>`, `"` and `'` as entities: safe in element content and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}

/**
 * The one look of all pages that pso makes itself: error documents, listings, redirects.
 * `title` is text; `body` is HTML, already escaped. Nothing is loaded from elsewhere and no script runs.
 */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>
:root { color-scheme: light dark; --ink: light-dark(#1c1e21, #e8e6e3); --soft: light-dark(#667080, #9aa3ad); --line: light-dark(#e2e5e9, #33373c); --link: light-dark(#0b57d0, #8ab4f8); --mark: light-dark(#fff4d6, #463a14) }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: light-dark(#fff, #17191c); max-width: 54rem; margin: 3rem auto; padding: 0 1.25rem }
h1 { font-size: 1.5rem; font-weight: 600; line-height: 1.25 } a { color: var(--link); text-decoration: none } a:hover { text-decoration: underline }
table { border-collapse: collapse; width: 100% } th { text-align: left; font-weight: 500; color: var(--soft) } th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line) }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums } pre { white-space: pre-wrap; overflow-wrap: anywhere; background: light-dark(#f6f7f9, #1f2226); padding: .9rem 1rem; border-radius: .4rem; font: 14px/1.5 ui-monospace, monospace } pre mark { background: var(--mark); color: inherit }
footer { color: var(--soft); font-size: .85rem; margin-top: 2rem }
</style>
</head>
<body>
${body}
</body>
</html>
`
}
