/**
 * Request targets that try to get at `path` (`/shop/handler.ts`) past a gate: traversal, encodings, double and overlong encodings, NUL,
 * backslashes, dots, slashes and blanks at the end, letter case, parameters, precompressed neighbours, leftovers, streams of Windows.
 * Each is a target as it could stand in a request line; none holds a blank or a line end.
 */
export function hostileUrls(path: string): string[] {
  const slash = path.lastIndexOf('/')
  const directory = path.slice(0, slash)
  const name = path.slice(slash + 1)
  const found = new Set<string>()
  const add = (...targets: readonly string[]): void => {
    for (const target of targets) if (!/[ \r\n]/.test(target)) found.add(target)
  }

  const ways = [
    path,
    `//${path.slice(1)}`,
    `/.${path}`,
    `/./${path.slice(1)}`,
    `/x/..${path}`,
    `${directory}/x/../${name}`,
    `${directory}//${name}`,
    `${directory}/./${name}`,
    `${directory}/${name}/../${name}`,
  ]
  for (const way of ways)
    add(
      way,
      `${way}/`,
      `${way}//`,
      `${way}/.`,
      `${way}/..`,
      `${way}/x`,
      `${way}?raw`,
      `${way}?x=/..`,
      `${way}#x`,
      `http://x${way}`,
    )

  const ends = [
    '.',
    '..',
    '%20',
    '%2e',
    '%00',
    '%00.txt',
    '%00.html',
    ';',
    ';x=1',
    '::$DATA',
    '::$DATA.txt',
    '~',
    '~1',
    '%7e',
    '.bak',
    '.old',
    '.orig',
    '.save',
    '.swp',
    '.swo',
    '.tmp',
    '.rej',
    '.br',
    '.gz',
    '.zst',
    '.gz.gz',
    '.br.',
    '.map',
    '.js',
    '.txt',
    '%0a',
    '%0d%0aX:1',
    '%09',
    '%c0%80',
    '%ff',
    '%',
    '%2',
    '%zz',
    '%u002e',
    '\\',
    '%5c',
    '%5c..',
    '/%2e%2e',
    '/..;/',
  ]
  for (const end of ends) add(path + end, `${path}${end}/`, directory + encodeURIComponent(`/${name}`) + end)

  const dots = [
    '..',
    '%2e%2e',
    '.%2e',
    '%2e.',
    '%252e%252e',
    '%c0%ae%c0%ae',
    '%e0%80%ae%e0%80%ae',
    '%uff0e%uff0e',
    '..%00',
    '..;',
    '...',
    '....',
    '%%32%65%%32%65',
    '\uff0e\uff0e',
  ]
  const slashes = ['/', '%2f', '%2F', '\\', '%5c', '%252f', '%c0%af', '%e0%80%af', '//', '/./', '%u2215', '/%00/']
  for (const dot of dots)
    for (const way of slashes) {
      const up = encodeURI(`${dot}${way}`).replaceAll('%25', '%')
      add(
        `/${up.repeat(3)}etc/passwd`,
        `${directory}/${up}${directory.slice(1)}/${name}`,
        `/${up}conf/server.ini`,
        `/${up}outside.txt`,
        `/x/${up}${up}outside.txt`,
      )
    }

  for (const turned of [
    name.toUpperCase(),
    name[0]!.toUpperCase() + name.slice(1),
    name.replace(/.$/, last => last.toUpperCase()),
  ])
    add(`${directory}/${turned}`, `${directory}/${turned}.`, `${directory.toUpperCase()}/${turned}`)
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at).toString(16).padStart(2, '0')
    const split = (character: string): string => `${directory}/${name.slice(0, at)}${character}${name.slice(at + 1)}`
    add(
      split(`%${code}`),
      split(`%25${code}`),
      split(`%u00${code}`),
      split(`%${code.toUpperCase()}`),
      split(`%00%${code}`),
      split(`%c1%${(Number.parseInt(code, 16) | 0x80).toString(16)}`),
    )
  }
  add(
    `${directory}/.${name}.swp`,
    `${directory}/%23${name}%23`,
    `${directory}/.%23${name}`,
    `${directory}/${name.slice(0, 6)}~1${name.slice(-3)}`,
    `*`,
    path.slice(1),
    `\\${path.slice(1)}`,
  )
  add([...path].map(character => (character === '/' ? '/' : `%${character.charCodeAt(0).toString(16)}`)).join(''))
  return [...found]
}
