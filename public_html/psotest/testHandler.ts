#!/usr/bin/env -S pso cgi
import { OK, type Request, ServiceHandler } from 'pso'

export function handler(req: Request) {
  req.pso().session.greeted = true // a session begins with its first value, and with it the cookie
  req.write('hello world\n')
  return OK
}

if (import.meta.main) await new ServiceHandler(handler).run()
