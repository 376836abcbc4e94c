import { execFile, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { Test } from 'tap'
import { project } from './project.ts'
import { plant } from './site.ts'

/** What ended: its exit code, and both of its outputs. */
export interface Ended {
  readonly code: number | string
  readonly out: string
  readonly errors: string
}

/** Runs a command as a user does, without the hooks that the test runner gives to every child. */
export const run = (command: readonly string[], cwd: string, path = process.env['PATH']): Promise<Ended> =>
  new Promise(resolve =>
    execFile('env', ['-u', 'NODE_OPTIONS', `PATH=${path}`, ...command], { cwd }, (error, out, errors) =>
      resolve({ code: error?.code ?? 0, out, errors }),
    ),
  )

/** A directory that is gone when the test ends; outside of this project, whose node_modules nothing there may find. */
export function outside(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'pso-test-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The package as `npm pack` makes it, from a copy: a build in this project would be in the way of what runs beside it. */
export async function pack(t: Test): Promise<string> {
  const copy = outside(t)
  const parts = [
    'server',
    'directives',
    'session',
    'test',
    'package.json',
    'tsconfig.json',
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
  ]
  for (const part of parts) cpSync(join(project, part), join(copy, part), { recursive: true })
  symlinkSync(join(project, 'node_modules'), join(copy, 'node_modules'))
  const { code, out, errors } = await run(['npm', 'pack', '--silent'], copy)
  if (code !== 0) throw new Error(`npm pack ended with ${code}: ${errors}`)
  if (readFileSync(join(copy, 'package.json'), 'utf8') !== readFileSync(join(project, 'package.json'), 'utf8'))
    throw new Error('npm pack has left another package.json')
  return join(copy, out.trim())
}

/** An empty project in which packages have been installed. */
export async function installed(t: Test, packages: readonly string[]): Promise<string> {
  const directory = outside(t)
  plant(directory, { 'package.json': '{ "name": "shop", "private": true, "type": "module" }' })
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  const { code, errors } = await run(['npm', 'install', ...flags, ...packages], directory)
  if (code !== 0) throw new Error(`npm install ${packages.join(' ')} ended with ${code}: ${errors}`)
  return directory
}

/** A value of PATH that begins with a Node. */
export function pathWith(t: Test, node: string): string {
  const bin = join(outside(t), 'bin')
  mkdirSync(bin)
  symlinkSync(node, join(bin, 'node'))
  return [bin, process.env['PATH']].join(delimiter)
}

/** The oldest major version of Node that pso runs on; undefined where this machine cannot have it: the test is skipped, with CI=true it fails. */
export async function node24(t: Test): Promise<string | undefined> {
  const name = `node-${process.platform}-${process.arch}`
  try {
    const directory = await installed(t, [`${name}@>=24.15 <25`])
    const node = join(directory, 'node_modules', name, 'bin/node')
    if (spawnSync(node, ['--version']).status === 0) return node
  } catch (error) {
    t.comment((error as Error).message)
  }
  const missing = `no Node 24: npm install "${name}@>=24.15 <25"`
  if (process.env['CI'] === 'true') t.fail(missing)
  else t.pass('skipped', { skip: missing })
  return undefined
}

/** The versions that this project has been tested with. */
export const versionOf = (name: string): string =>
  JSON.parse(readFileSync(join(project, 'node_modules', name, 'package.json'), 'utf8')).version

export const nodeHere = join(dirname(process.execPath), 'node')
