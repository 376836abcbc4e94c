import { constants, openSync } from 'node:fs'

/** A descriptor for reading. If the file is a pipe by now, its other end is not waited for. Throws what the system says. */
export const openToRead = (file: string): number => openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
