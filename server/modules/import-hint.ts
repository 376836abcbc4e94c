import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ownExtension } from '../own-extension.ts'

/** What to write in place of a common slip that keeps a module from loading; undefined where nothing is known. `file`: where it stands. */
export function importHint(error: Error, file: string | undefined): string | undefined {
  const { message } = error
  const missing = /module '([^']+)' does not provide an export named '([^']+)'/.exec(message)
  if (missing !== null)
    return isType(missing[1]!, missing[2]!, file)
      ? `${missing[2]} is a type: write import type { ${missing[2]} } from '${missing[1]}'`
      : undefined
  if (/TypeScript enum/.test(message)) return "write an object: const Colour = { Red: 'red' } as const"
  if (/parameter property/.test(message)) return 'declare the field, and assign it in the constructor'
  if (/namespace|module declaration/i.test(message)) return 'write a module of its own, and import it'
  if (/require is not defined/.test(message)) return "write import name from 'module'"
  if (/Cannot use import statement outside a module|Unexpected token 'export'/.test(message))
    return 'a package.json near it says that .js is CommonJS: name the file .ts or .mjs'
  const notFound = /Cannot find module '([^']+)'/.exec(message)
  if (notFound !== null && !/\.\w+$/.test(notFound[1]!)) return 'an import needs its extension, such as ./name.ts'
  if (/Unknown file extension "\.tsx"/.test(message)) return 'JSX is not served: write the file as .ts'
  return undefined
}

/** The file that has the package's types: in the built package a declaration file. */
const psoFile = fileURLToPath(new URL(`../api/package${ownExtension === '.ts' ? '' : '.d'}.ts`, import.meta.url))

/** Whether a module exports a type of that name: its own text says so. */
function isType(module: string, name: string, file = ''): boolean {
  if (module !== 'pso' && !module.startsWith('.')) return false
  try {
    const source = readFileSync(module === 'pso' ? psoFile : resolve(dirname(file), module), 'utf8')
    return new RegExp(
      String.raw`\bexport\s+(?:declare\s+)?(?:type|interface)\s+${name}\b|\bexport\s+type\s*\{[^}]*\b${name}\b`,
    ).test(source)
  } catch {
    return false
  }
}
