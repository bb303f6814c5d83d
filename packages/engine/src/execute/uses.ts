/**
 * Counts the nodes that still need each result, so that a run which keeps no results in a cache can let go of
 * pictures as soon as the last node has used them. A lazy link counts until its node has finished.
 */
export interface Uses {
  /** `user` needs the results of `sources`, each named as often as it is linked. */
  add(user: string, sources: Iterable<string>): void;
  /** The user has finished: the results that nobody needs any more. */
  finish(user: string): string[];
}

export function createUses(): Uses {
  const counts = new Map<string, number>();
  const sourcesOf = new Map<string, string[]>();
  return {
    add(user, sources) {
      const list = sourcesOf.get(user) ?? [];
      sourcesOf.set(user, list);
      for (const source of sources) {
        list.push(source);
        counts.set(source, (counts.get(source) ?? 0) + 1);
      }
    },
    finish(user) {
      const released: string[] = [];
      for (const source of sourcesOf.get(user) ?? []) {
        const left = (counts.get(source) ?? 0) - 1;
        counts.set(source, left);
        if (left === 0) released.push(source);
      }
      sourcesOf.delete(user);
      return released;
    },
  };
}
