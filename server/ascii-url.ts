/**
 * A URL as it can stand in a request or a Location (RFC 9110 10.2.2): what is not printable ASCII, line breaks too, is percent-encoded as
 * UTF-8; what is encoded already stays.
 */
export const asciiUrl = (url: string): string =>
  url.replace(/[^\x21-\x7e]+/g, text => encodeURIComponent(text.toWellFormed()))
