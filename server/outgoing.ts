import type { ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'

/** What an answer is written to: Node's response, or the standard output of a program that a web server runs. */
export interface Outgoing
  extends Writable,
    Pick<ServerResponse, 'flushHeaders' | 'socket' | 'strictContentLength'>,
    Partial<Pick<ServerResponse, 'chunkedEncoding' | 'statusMessage'>> {
  /** `fields`: name and value in turn. */
  writeHead(status: number, fields: string[]): unknown
}
