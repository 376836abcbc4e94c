import { join } from 'node:path'

/** The top of this project. */
export const project = join(import.meta.dirname, '../..')

/** The command `pso` of this project, for node. */
export const cli = join(project, 'server/cli.cjs')
