/** Text that users have made, fit for a terminal: control characters and what turns the direction of writing as `\uXXXX`. */
export const visible = (text: string): string =>
  text.replace(
    /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
