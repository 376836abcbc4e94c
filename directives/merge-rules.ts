/** How the value of a parent and that of its child make the value in effect; both are in the order they were read. */
export interface MergeRule<Value> {
  /** As the reference names it. */
  readonly name: 'replace' | 'by key' | 'append' | 'child first' | 'signed'
  merge(parent: Value, child: Value): Value
}

/** The nearest value stands. */
export const replace: MergeRule<any> = { name: 'replace', merge: (_parent, child) => child }

/** Entry by entry, the child's entry stands. Values are maps. */
export const byKey: MergeRule<ReadonlyMap<any, any>> = {
  name: 'by key',
  merge: (parent, child) => new Map([...parent, ...child]),
}

/** The parent's entries, then the child's. */
export const append: MergeRule<readonly any[]> = { name: 'append', merge: (parent, child) => [...parent, ...child] }

/** The child's entries, then the parent's, where the first match wins (Redirect). */
export const childFirst: MergeRule<readonly any[]> = {
  name: 'child first',
  merge: (parent, child) => [...child, ...parent],
}
