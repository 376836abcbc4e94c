import type { Location } from '../locate.ts'
export async function listDirectory(location: Location, _names: readonly string[]): Promise<string> { return `<h1>${location.path}</h1>` }
