import { stateOfProcess, thisProcess } from '../../session/index.ts'

/** This process as a part of a file name, by which others can tell later whether it still lives. */
export const processName = thisProcess.replaceAll(' ', ',')

/** What is known of the process that has, or had, this name. */
export const stateOfNamed = (name: string): ReturnType<typeof stateOfProcess> =>
  stateOfProcess(name.replaceAll(',', ' '))
