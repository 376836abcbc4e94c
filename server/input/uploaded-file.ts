import { randomBytes } from 'node:crypto'
import { constants, renameSync } from 'node:fs'
import { chmod, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { RequestState } from '../request-state.ts'
import { saveTarget } from './save-target.ts'
import { keptPath } from './uploads.ts'

const { O_NOFOLLOW, O_RDONLY } = constants

/** What a part of a form says of a file. */
interface Part {
  readonly key: string
  readonly filename: string
  readonly type: string
  readonly path: string
}

/** What a file that is saved may be read by: as one that the handler writes itself. An upload is 0600 until then. */
const savedMode = 0o666 & ~process.umask()

/** A file that a form brought: on disk, and gone after the request unless it is kept or saved. */
export class UploadedFile {
  /** The name of its field. */
  readonly key: string
  /** As the client names it, without its directories and control characters: for people, never a path to trust. */
  readonly filename: string
  /** The media type that the client says it has, without parameters; `text/plain` where it says none. */
  readonly type: string
  /** In bytes. */
  size = 0
  readonly #state: RequestState
  #path: string
  #staysOnDisk = false
  #hasSavedMode = false
  #saving: Promise<unknown> | undefined

  constructor(state: RequestState, { key, filename, type, path }: Part) {
    this.#state = state
    this.key = key
    this.filename = withoutDirectories(filename)
    this.type = type
    this.#path = path
  }

  /** Where it is now: absolute. */
  get path(): string {
    return this.#path
  }

  /** Leaves the file after the request, in the state directory; answers its path. */
  keep(): string {
    if (this.#staysOnDisk) return this.#path
    const path = keptPath(this.#state.site.config.stateDirectory)
    renameSync(this.#path, path)
    this.#arrived(path)
    return path
  }

  /**
   * Moves the file to `name` in `directory`, in place of what has that name there; nobody ever sees a part of it. The directory, by default
   * the one where the handler was named and seen from there, must exist. Resolves to the path; rejects with the reason where the name leaves
   * the directory, is never sent (access files, dot names, leftovers) or is of code that would be run.
   */
  save(name: string, directory = '.'): Promise<string> {
    const saved = this.#save(name, directory)
    this.#saving = Promise.allSettled([this.#saving, saved])
    return saved
  }

  async #save(name: string, directory: string): Promise<string> {
    const target = await saveTarget(this.#state, name, directory)
    const { here, path, letGo } = target.directory
    try {
      await this.#move(here, target.name)
    } finally {
      letGo()
    }
    this.#arrived(join(path, target.name))
    return this.#path
  }

  async #move(directory: string, name: string): Promise<void> {
    // where it was saved before, another may have put a link in its place
    if (!this.#hasSavedMode) await chmod(this.#path, savedMode)
    this.#hasSavedMode = true
    try {
      await rename(this.#path, join(directory, name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error
      await copyTo(this.#path, directory, name)
    }
  }

  #arrived(path: string): void {
    this.#path = path
    this.#staysOnDisk = true
  }

  /** The request is over: removes the file, unless it is to stay. */
  async discard(): Promise<void> {
    // perhaps nobody awaits it
    await this.#saving
    if (!this.#staysOnDisk) await rm(this.#path, { force: true })
  }
}

/** Onto another file system: beside the target first, under a name that is never sent. A link in place of either file is not followed. */
async function copyTo(path: string, directory: string, name: string): Promise<void> {
  const beside = join(directory, `.pso-${randomBytes(16).toString('base64url')}`)
  try {
    const file = await open(beside, 'wx', 0o600)
    try {
      const source = await open(path, O_RDONLY | O_NOFOLLOW)
      await file.writeFile(source.createReadStream())
      await file.chmod(savedMode)
    } finally {
      await file.close()
    }
    await rename(beside, join(directory, name))
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
  await rm(path, { force: true })
}

/** `C:\Photos\a.jpg` and `../../a.jpg` are `a.jpg`. */
export const withoutDirectories = (filename: string): string =>
  filename
    .replace(/^.*[/\\]/s, '')
    .replace(/^[A-Za-z]:/, '')
    .replace(/[\x00-\x1f\x7f-\x9f]/g, '')

/** Removes what is left of the uploads of a request; undefined where it had none. */
export function discardUploads({ bodyInput }: RequestState): Promise<unknown> | undefined {
  const files = bodyInput?.files
  if (files === undefined || files.length === 0) return undefined
  return Promise.all(files.map(file => file.discard()))
}
