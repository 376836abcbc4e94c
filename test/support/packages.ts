import { accessSync, constants, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Test } from 'tap'

/** A package of Debian that tests need, and where its program may be. */
interface Package {
  /** Any of these will do. */
  readonly programs: readonly string[]
  /** Directories beside those of PATH; patterns, the newest version first. */
  readonly places: readonly string[]
}

export const packages = {
  chromium: {
    programs: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'Chromium', 'Google Chrome'],
    places: ['/Applications/*.app/Contents/MacOS'],
  },
  'redis-server': { programs: ['redis-server'], places: ['/usr/bin'] },
  // Debian keeps initdb and postgres out of PATH, a directory for each version
  postgresql: { programs: ['initdb'], places: ['/usr/lib/postgresql/*/bin'] },
  apache2: { programs: ['apache2'], places: ['/usr/sbin'] },
  'mariadb-server': { programs: ['mariadbd'], places: ['/usr/sbin'] },
  python3: { programs: ['python3'], places: ['/usr/bin'] },
  perl: { programs: ['perl'], places: ['/usr/bin'] },
  // a compiler with the headers of the C library
  'build-essential': { programs: ['cc', 'gcc'], places: ['/usr/bin'] },
} as const satisfies Readonly<Record<string, Package>>

export type PackageName = keyof typeof packages

/** The program a test needs. Undefined where the machine lacks it: the test is skipped, with CI=true it fails. */
export function programOf(t: Test, name: PackageName): string | undefined {
  const program = findProgram(name)
  if (program === undefined) {
    if (process.env.CI === 'true') t.fail(missing(name))
    else t.pass('skipped', { skip: missing(name) })
  }
  return program
}

/** The program of a package, undefined where the machine lacks it. */
export function findProgram(name: PackageName): string | undefined {
  const { programs, places }: Package = packages[name]
  const paths = (process.env.PATH ?? '').split(delimiter).filter(path => path !== '')
  const directories = [...paths, ...places.flatMap(place => globSync(place).sort(byVersion))]
  return directories.flatMap(directory => programs.map(program => join(directory, program))).find(isExecutable)
}

export const missingPackages = (): PackageName[] =>
  (Object.keys(packages) as PackageName[]).filter(name => findProgram(name) === undefined)

/** The one line about a package that the machine lacks. */
export const missing = (name: PackageName): string => `no ${name}: apt-get install ${name}`

const byVersion = (a: string, b: string): number => b.localeCompare(a, 'en', { numeric: true })

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
