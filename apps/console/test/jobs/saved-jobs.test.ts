import { expect, test } from "vitest";
import { forgetJob, savedJobs, saveJob } from "../../src/jobs/saved-jobs.ts";

function memoryStorage(initial: Record<string, string> = {}): Storage {
  const values = new Map(Object.entries(initial));
  return {
    get length() {
      return values.size;
    },
    clear: () => values.clear(),
    getItem: (key) => values.get(key) ?? null,
    key: (index) => [...values.keys()][index] ?? null,
    removeItem: (key) => void values.delete(key),
    setItem: (key, value) => void values.set(key, value),
  };
}

const job = (id: string) => ({ id, title: "T", submittedAt: "now", nodeTitles: { "1": "A" } });

test("jobs are kept newest first, each once, the last twenty of them", () => {
  const storage = memoryStorage();
  for (let count = 1; count <= 25; count++) saveJob(storage, job(`j${count}`));
  saveJob(storage, job("j10"));
  const ids = savedJobs(storage).map(({ id }) => id);
  expect(ids).toHaveLength(20);
  expect(ids.slice(0, 3)).toEqual(["j10", "j25", "j24"]);
  forgetJob(storage, "j25");
  expect(savedJobs(storage).map(({ id }) => id)).not.toContain("j25");
});

test("what another version or another page wrote counts as nothing", () => {
  expect(savedJobs(memoryStorage({ "rabbitloom.jobs": "{not json" }))).toEqual([]);
  expect(savedJobs(memoryStorage({ "rabbitloom.jobs": '[{"id": 5}]' }))).toEqual([]);
});

test("a storage that is full or forbidden is done without", () => {
  const full = {
    ...memoryStorage(),
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
  };
  expect(() => saveJob(full, job("j1"))).not.toThrow();
});
