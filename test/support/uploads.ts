import { globSync } from 'node:fs'
import { does } from './handlers.ts'

/** `/up/` answers how many bytes the file of a form has, however many those are. */
export const uploadTree = {
  up: {
    '.psoaccess': 'LimitRequestBody = 0',
    'handler.ts': does('req.write(String(req.pso().getFile("up")?.size))'),
  },
}

/** The files of uploads that a server has on disk now, those that a handler keeps too. */
export const uploadsIn = (stateDirectory: string): string[] => globSync('uploads/*/*', { cwd: stateDirectory })
