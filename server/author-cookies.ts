import { fastifyCookie } from '@fastify/cookie'
import type { FastifyInstance } from 'fastify'
import type { Cookies } from './api/cookies.ts'

let loaded: Promise<unknown> | undefined

/**
 * Reads and writes authors' cookies, without a decorator on any app: a site may live in an app that others have made. The functions that
 * @fastify/cookie exports fail until its plugin has run, which loads what they need (11.1): so it runs once, on a stand-in for an app.
 */
export async function loadAuthorCookies(): Promise<Cookies> {
  await (loaded ??= fastifyCookie(nothing as unknown as FastifyInstance, { hook: false }))
  return { parse: fastifyCookie.parse, serialize: fastifyCookie.serialize }
}

const ignore = (): void => {}
const nothing = { decorate: ignore, decorateRequest: ignore, decorateReply: ignore, addHook: ignore }
