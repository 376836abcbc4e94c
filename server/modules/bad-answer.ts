import type { RequestState } from '../request-state.ts'
import { HandlerError } from './handler-error.ts'

/** The error of what the function that is running answered; its name stands behind the message. */
export const badAnswer = (
  { running = '', phase = 'Content' }: Pick<RequestState, 'running' | 'phase'>,
  message: string,
): HandlerError => new HandlerError('bad-answer', `${message} (${running})`, { phase, file: running })
