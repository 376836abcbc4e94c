'use strict'
// plain JavaScript: to strip types is what it saves
const fs = require('node:fs')
const { constants, enableCompileCache } = require('node:module')
const os = require('node:os')
const path = require('node:path')

/**
 * Keeps stripped and compiled sources beside the packages, where nobody else can write. For another user than who installed them, such as
 * a web server's that runs a program: in a directory of that user alone in the system's temporary directory, or nowhere.
 */
exports.useCompileCache = () => {
  const top = path.dirname(__dirname)
  const parent = path.dirname(top)
  const modules = path.basename(parent) === 'node_modules' ? parent : path.join(top, 'node_modules')
  const beside = enableCompileCache(path.join(modules, '.cache', 'pso'))
  if (beside.status !== constants.compileCacheStatus.FAILED) return
  const own = ownDirectory()
  if (own !== undefined) enableCompileCache(path.join(own, 'compile-cache'))
}

/** As a program's state directory where there is no server.ini; undefined where it cannot be trusted. */
function ownDirectory() {
  const uid = process.getuid?.()
  const directory = path.join(os.tmpdir(), `pso-${uid}`)
  try {
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 })
    const stats = fs.lstatSync(directory)
    return stats.isDirectory() && stats.uid === uid && (stats.mode & 0o022) === 0 ? directory : undefined
  } catch {
    return undefined
  }
}
