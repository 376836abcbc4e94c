export function whereThrown(error: unknown): { message: string; frame?: string } {
  if (!(error instanceof Error)) return { message: `thrown: ${String(error)}` }
  const line = /\(?((?:file:\/\/)?\/[^\s()]+?:\d+)(?::\d+)?\)?/.exec((error.stack ?? '').split('\n').slice(0).join('\n'))?.[1]?.replace(/\?v=\d+/, '')
  return { message: `${error.name}: ${error.message}${line ? ` at ${line}` : ''}` }
}
