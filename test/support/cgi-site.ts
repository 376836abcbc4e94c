import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type SiteOptions, site, type TestSite, type Tree } from './site.ts'

/** A site whose `.cgi` files are programs: `programs` are those of its root, by name; `tree` is what else there is. */
export async function cgiSite(
  t: Test,
  programs: Readonly<Record<string, string>>,
  { lines = '', tree = {}, ...options }: SiteOptions & { readonly lines?: string; readonly tree?: Tree } = {},
): Promise<TestSite> {
  const app = await site(
    t,
    { '.psoaccess': `Options = +ExecCGI\nAddHandler = cgi-script .cgi\n${lines}\n`, ...tree, ...programs },
    options,
  )
  for (const name of Object.keys(programs)) chmodSync(join(app.root, name), 0o755)
  return app
}

/** A shell script. */
export const sh = (...lines: readonly string[]): string => `#!/bin/sh\n${lines.join('\n')}\n`

/** A shell script that answers with a text. */
export const answers = (...lines: readonly string[]): string => sh('echo "Content-Type: text/plain"', 'echo', ...lines)
