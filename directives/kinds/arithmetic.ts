/**
 * The value of an expression of digits, `.`, `+ - * / ( )`; undefined for any other text, division by zero included.
 * Read by descent, never evaluated as code (the first PSO did, and a directive could run a command).
 */
export function arithmetic(text: string): number | undefined {
  // the length bounds the depth of the recursion
  if (text.length > 200 || !/^[\d.+\-*/()\s]+$/.test(text)) return undefined
  const tokens = text.match(/\d+(?:\.\d*)?|\.\d+|\S/g) ?? []
  let next = 0

  function sum(): number {
    let value = product()
    while (tokens[next] === '+' || tokens[next] === '-')
      value = tokens[next++] === '+' ? value + product() : value - product()
    return value
  }
  function product(): number {
    let value = factor()
    while (tokens[next] === '*' || tokens[next] === '/')
      value = tokens[next++] === '*' ? value * factor() : value / factor()
    return value
  }
  function factor(): number {
    const token = tokens[next++]
    if (token === '-') return -factor()
    if (token === '+') return factor()
    if (token !== '(') return /^\.?\d/.test(token ?? '') ? Number(token) : Number.NaN
    const value = sum()
    return tokens[next++] === ')' ? value : Number.NaN
  }

  const value = sum()
  return next === tokens.length && Number.isFinite(value) ? value : undefined
}
