#!/usr/bin/env node
'use strict'
// Plain old syntax on purpose: any Node must be able to read this file and say what is missing.
const fs = require('node:fs')
const path = require('node:path')

const needed = [24, 15]
const top = path.dirname(__dirname)
const [major, minor] = process.versions.node.split('.').map(Number)

if (major > needed[0] || (major === needed[0] && minor >= needed[1])) serve()
else serveOnBundledNode()

function serve() {
  require('./compile-cache.cjs').useCompileCache()
  // a clone is run as it is; the package has what was built of it
  const source = path.join(__dirname, 'cli.ts')
  import(fs.existsSync(source) ? './cli.ts' : '../dist/server/cli.js')
}

function serveOnBundledNode() {
  const node = bundledNode()
  if (node === undefined) {
    console.error(
      `pso needs Node.js ${needed.join('.')} or newer; this is ${process.version}, and no package of Node for ` +
        `${process.platform}-${process.arch} is installed. Run "npm ci" in ${projectOf(top)}`,
    )
    process.exit(1)
  }
  const child = require('node:child_process').spawn(node, [__filename, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', error => {
    console.error(`pso needs Node.js ${needed.join('.')} or newer, and ${node} cannot be run: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(signal ? 128 + require('node:os').constants.signals[signal] : code))
}

/** Where npm installs: of a package the project that has it. */
function projectOf(directory) {
  const parent = path.dirname(directory)
  return path.basename(parent) === 'node_modules' ? path.dirname(parent) : directory
}

function bundledNode() {
  for (const name of [`node-${process.platform}-${process.arch}`, `node-bin-${process.platform}-${process.arch}`])
    try {
      const node = path.join(path.dirname(require.resolve(`${name}/package.json`)), 'bin', 'node')
      // this very one is too old itself: it would start itself for ever
      if (!isThis(node)) return node
    } catch {
      // this one is not installed
    }
}

function isThis(node) {
  return fs.existsSync(node) && fs.realpathSync(node) === fs.realpathSync(process.execPath)
}
