import { SessionError } from '../session-error.ts'

/** Loads the package that speaks to a store; where it is missing, a SessionError 'no-driver' that says what to install. */
export async function driver<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new SessionError('no-driver', `PSOSessionLoader needs the package ${name}: npm install ${name}`, { cause })
  }
}
