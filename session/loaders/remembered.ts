/** `make`, with its answers remembered: when there are `most` of them, they are all forgotten. */
export function remembered(most: number, make: (text: string) => string): (text: string) => string {
  const known = new Map<string, string>()
  return text => {
    let answer = known.get(text)
    if (answer === undefined) {
      if (known.size >= most) known.clear()
      known.set(text, (answer = make(text)))
    }
    return answer
  }
}
