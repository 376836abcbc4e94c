/** The door of the directives: text of server.ini and access files to merged, typed values, each with the line it comes from. */

export type { Target } from './chain-settings.ts'
export { check, checkWith } from './check.ts'
export { type ConfigStore, createConfigStore } from './config-store.ts'
export type { Directive, OverrideGroup } from './directive.ts'
export { editorHints } from './editor-hints.ts'
export { explain } from './explain.ts'
export { isForcedId } from './forced-id.ts'
export type { ModuleRef } from './kind.ts'
export { hidePasswords } from './kinds/expected.ts'
export { secondsOf } from './kinds/numbers.ts'
export { readPathForWriting } from './kinds/paths.ts'
export type {
  Address,
  ErrorAnswer,
  HandlerName,
  HandlerRef,
  HeaderAction,
  LoaderChoice,
  LoaderModule,
  LogTarget,
  OptionName,
  OptionsValue,
  Redirection,
  ScriptAliases,
  Variables,
} from './kinds.ts'
export type { Level, Merged, Origin, UnknownLine } from './merged.ts'
export { nearestName } from './nearest-name.ts'
export { type OwnDeclaration, type OwnDirective, readDeclarations, uniqueDirectives } from './own-directive.ts'
export {
  hasUnknownNames,
  modulesNamed,
  type OwnSetting,
  ownValues,
  valueContext,
  withOwnDirectives,
} from './own-directives.ts'
export { type Position, showPosition } from './position.ts'
export { DirectivesError, formatProblem, type Problem, type ProblemCode } from './problem.ts'
export { describe, describeNamed, describeOwn, insteadOf, reference } from './reference.ts'
export {
  readServerConfig,
  type ServerConfig,
  type ServerConfigOptions,
  serverProblems,
  serverVariants,
} from './server-config.ts'
export { type DirectiveName, type Directives, directiveNamed, directiveNames, rows, table } from './table.ts'
export { variantsBelow } from './variants-below.ts'
export { wholeProblems } from './whole-problems.ts'
export { withDirectives } from './with-directives.ts'
