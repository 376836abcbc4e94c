/** The codings of precompressed neighbours, the best first. */
export const codings = [
  { name: 'br', extension: '.br' },
  { name: 'zstd', extension: '.zst' },
  { name: 'gzip', extension: '.gz' },
] as const

export type Coding = (typeof codings)[number]

/**
 * The codings that a client prefers to the file as it is, the best first; those with `q=0` are refused
 * (RFC 9110 section 12.5.3).
 */
export function acceptedCodings(field: string | undefined): readonly Coding[] {
  if (field === undefined) return []
  const weights = new Map<string, number>()
  for (const part of field.toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map(piece => piece.trim())
    const quality = parameters.find(one => one.startsWith('q='))
    weights.set(name === 'x-gzip' ? 'gzip' : name, quality === undefined ? 1 : Number(quality.slice(2)))
  }
  const weightOf = ({ name }: Coding): number => weights.get(name) ?? weights.get('*') ?? 0
  const identity = weights.get('identity') ?? 0
  const isBetter = (coding: Coding): boolean => weightOf(coding) > 0 && weightOf(coding) >= identity
  return codings.filter(isBetter).sort((a, b) => weightOf(b) - weightOf(a))
}
