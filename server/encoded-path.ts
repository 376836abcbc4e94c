/** A decoded path as a URL spells it; its slashes stay. */
export const encodedPath = (path: string): string => path.split('/').map(encodeURIComponent).join('/')
