/// <reference types="vite/client" />

const files = import.meta.glob<Record<string, unknown>>("./fixtures/**/*.json", {
  eager: true,
  import: "default",
});

/** One fixture: `job/from-a-service`. Throws where there is none of that name. */
export function fixture(name: string): Record<string, unknown> {
  const found = files[`./fixtures/${name}.json`];
  if (found === undefined) throw new Error(`no fixture ${name}`);
  return found;
}

/** The fixtures of a folder by their names, sorted. */
export function fixturesIn(folder: string): Record<string, unknown> {
  const start = `./fixtures/${folder}/`;
  return Object.fromEntries(
    Object.entries(files)
      .filter(([path]) => path.startsWith(start))
      .map(([path, content]) => [path.slice(start.length, -".json".length), content]),
  );
}
