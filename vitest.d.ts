import "vitest";

/** What vitest.config.ts and the global setup hand to tests. */
declare module "vitest" {
  interface ProvidedContext {
    /** Where test files ask for the servers of this run. */
    sharedServers: string;
    /** Of random input; FUZZ_SEED=$RANDOM looks elsewhere. */
    fuzzSeed: number;
  }
}
