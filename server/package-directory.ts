import { findPackageJSON } from 'node:module'
import { dirname } from 'node:path'

/** Where the package is, whether its sources run or what was built of them. */
export const packageDirectory = dirname(findPackageJSON(import.meta.url)!)
