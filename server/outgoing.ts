import type { ServerResponse } from 'node:http'
import type { Writable } from 'node:stream'

/** What an answer is written to: Node's response, or the standard output of a program that a web server runs, which has no connection. */
export interface Outgoing
  extends Writable,
    Pick<ServerResponse, 'flushHeaders' | 'socket' | 'strictContentLength'>,
    Partial<Pick<ServerResponse, OfConnection>> {
  /** `fields`: name and value in turn. */
  writeHead(status: number, fields: string[]): unknown
}

/** What a program does not have. */
type OfConnection = 'chunkedEncoding' | 'headersSent' | 'shouldKeepAlive' | 'statusMessage' | 'writeContinue'
