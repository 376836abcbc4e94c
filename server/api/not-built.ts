/** What the contract has and this version does not: thrown where it is asked for, never left out in silence. */
export const notBuilt = (what: string): Error => new Error(`${what} is not built yet`)
