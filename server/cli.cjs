#!/usr/bin/env node
'use strict'
// Old syntax on purpose: any Node must be able to read this file and say what is missing.
var path = require('node:path')
var needed = [24, 15]
var version = process.versions.node.split('.').map(Number)

if (version[0] > needed[0] || (version[0] === needed[0] && version[1] >= needed[1])) {
  // stripped and compiled sources are kept beside the packages: nobody else can write there
  require('node:module').enableCompileCache(path.join(__dirname, '..', 'node_modules', '.cache', 'pso'))
  import('./cli.ts')
} else {
  var node = bundledNode()
  if (node === undefined) {
    console.error('pso needs Node.js ' + needed.join('.') + ' or newer; this is ' + process.version + ', and no package of Node for ' + process.platform + '-' + process.arch + ' is installed. Run "npm ci" in ' + path.dirname(__dirname))
    process.exit(1)
  }
  var child = require('node:child_process').spawn(node, [__filename].concat(process.argv.slice(2)), { stdio: 'inherit' })
  ;['SIGINT', 'SIGTERM', 'SIGHUP'].forEach(function (signal) {
    process.on(signal, function () { child.kill(signal) })
  })
  child.on('exit', function (code, signal) {
    process.exit(signal ? 128 + require('node:os').constants.signals[signal] : code)
  })
}

function bundledNode () {
  var names = ['node-' + process.platform + '-' + process.arch, 'node-bin-' + process.platform + '-' + process.arch]
  for (var i = 0; i < names.length; i++) {
    try {
      return path.join(path.dirname(require.resolve(names[i] + '/package.json')), 'bin', 'node')
    } catch (error) {
      // not this one
    }
  }
}
