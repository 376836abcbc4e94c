/** Where something stands in a configuration file. */
export interface Position {
  /** Absolute path. */
  readonly file: string
  /** The first line is 1. */
  readonly line: number
}

export const showPosition = ({ file, line }: Position): string => `${file}:${line}`
