import { relative, resolve } from 'node:path'
import type { Directives, ServerConfig } from '../directives/index.ts'
import type { Content } from './choose-content.ts'
import { withoutExtension } from './modules/module-extensions.ts'

/** PSOServiceId, or what the server's name and the first module of the content make of it. */
export const serviceIdIn = (
  { documentRoot }: Pick<ServerConfig, 'documentRoot'>,
  { PSOServiceId, ServerName }: Directives,
  content: Content | undefined,
): string => PSOServiceId ?? defaultServiceId(documentRoot, ServerName, content)

/**
 * `<ServerName>.<module path from the document root>`: no port, no extension, bytes outside A-Z a-z 0-9 _ - as `_hh`,
 * slashes as dots (DESIGN 7; the how-to's "host.module name").
 */
function defaultServiceId(documentRoot: string, serverName: string, content: Content | undefined): string {
  const ref = content?.kind === 'handler' ? content.handlers[0] : undefined
  const module = ref === undefined ? '' : relative(documentRoot, resolve(ref.base, ref.module))
  const path = (module.endsWith('.cgi') ? module.slice(0, -'.cgi'.length) : withoutExtension(module))
    .split('/')
    .map(escapeBytes)
    .join('.')
  return `${serverName.split('.').map(escapeBytes).join('.')}.${path}`
}

const escapeBytes = (text: string): string =>
  /^[A-Za-z0-9_-]*$/.test(text)
    ? text
    : Array.from(Buffer.from(text), byte =>
        /[A-Za-z0-9_-]/.test(String.fromCharCode(byte))
          ? String.fromCharCode(byte)
          : `_${byte.toString(16).padStart(2, '0')}`,
      ).join('')
