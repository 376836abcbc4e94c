import type { ValueContext } from '../../directives/kind.ts'

/** A line of /srv/site/shop/.psoaccess; the state directory lies beside the document root. */
export const context: ValueContext = {
  at: { file: '/srv/site/shop/.psoaccess', line: 3 },
  base: '/srv/site/shop',
  stateDirectory: '/srv/state',
  documentRoot: '/srv/site',
  environment: { LANG: 'C', EMPTY: '' },
}
