// biome-ignore-all lint/suspicious/noExplicitAny: a rule serves rows of many value types, and each row checks its own against it

/** How the value of a parent and that of its child make the value in effect; both are in the order they were read. */
export interface MergeRule<Value> {
  /** As the reference names it. */
  readonly name: 'replace' | 'by key' | 'append' | 'child first' | 'signed'
  merge(parent: Value, child: Value): Value
}

/** The nearest value counts. */
export const replace: MergeRule<any> = { name: 'replace', merge: (_parent, child) => child }

/** Entry by entry; where both have one, the child's counts. Values are maps. */
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

/** As append; an empty list, which only `none` and `disabled` write, empties what stood before it. */
export const appendOrEmpty: MergeRule<any> = {
  name: 'append',
  merge: (parent: readonly unknown[] | undefined, child: readonly unknown[]) =>
    child.length === 0 ? child : [...(parent ?? []), ...child],
}

/** A set written either whole, or as a change (`+A -B`) of what was inherited. */
export interface SignedSet<Name> {
  readonly on: ReadonlySet<Name>
  /** What a change takes away, even if it is nothing; absent where the set is written whole. */
  readonly off?: ReadonlySet<Name>
}

/** A change changes the parent's set, and two changes make one; a set written whole replaces (Options). */
export const signed: MergeRule<SignedSet<any>> = {
  name: 'signed',
  merge(parent, child) {
    if (child.off === undefined) return child
    const on = parent.on.difference(child.off).union(child.on)
    return parent.off === undefined ? { on } : { on, off: parent.off.difference(child.on).union(child.off) }
  },
}
