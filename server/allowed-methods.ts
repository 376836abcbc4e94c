/** The `Allow` of what is no handler: files, and CGI programs for OPTIONS. */
export const ALLOWED_METHODS = 'GET, HEAD, POST, OPTIONS'
