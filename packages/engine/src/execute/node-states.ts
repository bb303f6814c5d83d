/** What nodes keep between runs, by id and class: it lives as long as prompts keep the node. */
export interface NodeStates {
  of(id: string, classType: string): Map<string, unknown>;
  /** Forgets the states of ids that neither this prompt nor one still running has. */
  beginPrompt(ids: ReadonlySet<string>): void;
  endPrompt(ids: ReadonlySet<string>): void;
  clear(): void;
}

export function createNodeStates(): NodeStates {
  const states = new Map<string, Map<string, Map<string, unknown>>>();
  const running = new Set<ReadonlySet<string>>();
  return {
    of(id, classType) {
      const byClass = states.get(id) ?? new Map<string, Map<string, unknown>>();
      const state = byClass.get(classType) ?? new Map<string, unknown>();
      byClass.set(classType, state);
      states.set(id, byClass);
      return state;
    },
    beginPrompt(ids) {
      running.add(ids);
      for (const id of states.keys()) {
        if (![...running].some((prompt) => prompt.has(id))) states.delete(id);
      }
    },
    endPrompt(ids) {
      running.delete(ids);
    },
    clear: () => states.clear(),
  };
}
