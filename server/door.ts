/// <reference types="node" preserve="true" />
import type { FastifyInstance } from 'fastify'
import type { CreateServerOptions, LibraryServer } from './library-server.ts'
import type { PluginOptions } from './plugin.ts'

/**
 * The package `pso`: what handlers import, and what a program needs that serves a site itself. A program that only runs a handler imports
 * it too, so what a server needs is loaded when one is made.
 */
export * from './api/package.ts'
export * as pso from './api/package.ts'
export type { CreateServerOptions, LibraryServer, PluginOptions }

/**
 * A web server over a document root, in this process: `const server = await createServer({ root: 'public_html' })`, then
 * `await server.listen()`. What the options leave open is up to server.ini, as for `pso serve`; Workers has no effect here. Rejects with a
 * message for people where the site cannot be served.
 */
export async function createServer(options: CreateServerOptions = {}): Promise<LibraryServer> {
  return (await import('./library-server.ts')).createLibraryServer(options)
}

/** The Fastify plugin: `app.register(pso, { root: 'public_html', prefix: '/legacy' })`. */
async function plugin(app: FastifyInstance, options: PluginOptions): Promise<void> {
  await (await import('./plugin.ts')).mountSite(app, options)
}

// what fastify-plugin would set, without `skip-override`: everything stays in a context of its own
Object.assign(plugin, { [Symbol.for('plugin-meta')]: { name: 'pso', fastify: '5.x' } })

export default plugin
