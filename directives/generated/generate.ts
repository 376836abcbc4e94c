import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { editorHints } from '../editor-hints.ts'
import { reference } from '../reference.ts'

writeFileSync(join(import.meta.dirname, 'REFERENCE.md'), reference())
writeFileSync(join(import.meta.dirname, 'editor-hints.json'), editorHints())
