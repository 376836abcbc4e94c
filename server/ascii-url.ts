/**
 * A URL of a configuration file as it can stand in a header or a request: what is not printable ASCII is percent-encoded as UTF-8, what is
 * encoded already stays.
 */
export const asciiUrl = (url: string): string => url.replace(/[^\x21-\x7e]+/g, text => encodeURIComponent(text))
