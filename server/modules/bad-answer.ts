import type { RequestState } from '../request-state.ts'
import { HandlerError } from './handler-error.ts'

/** The error for a wrong answer of the running function; its name follows the message. */
export const badAnswer = (
  { running = '', phase = 'Content' }: Pick<RequestState, 'running' | 'phase'>,
  message: string,
): HandlerError => new HandlerError('bad-answer', `${message} (${running})`, { phase, file: running })
