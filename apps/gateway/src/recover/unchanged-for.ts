/** Tells how long a thing has been the same, by a clock that nobody sets. */
export interface UnchangedFor {
  /** Of those that are there now, by key, the ones that were so at every look for at least `ms`. */
  look<Thing>(things: readonly Thing[], keyOf: (thing: Thing) => string, ms: number): Thing[];
}

/** Everything that one look does not see is forgotten. */
export function unchangedFor(now: () => number): UnchangedFor {
  let since = new Map<string, number>();
  return {
    look(things, keyOf, ms) {
      const at = now();
      const seen = new Map(things.map((thing) => [keyOf(thing), thing] as const));
      since = new Map([...seen.keys()].map((key) => [key, since.get(key) ?? at]));
      return [...seen]
        .filter(([key]) => at - (since.get(key) ?? at) >= ms)
        .map(([, thing]) => thing);
    },
  };
}
