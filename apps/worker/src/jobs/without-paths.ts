import type { JobError } from "@rabbitloom/protocol";

/** Folders of this machine and what stands for them where a job's owner reads. */
export type PathNames = ReadonlyMap<string, string>;

/**
 * An error as the job's owner may read it: what the system and libraries say of files names them below a folder, not where
 * that folder is on this machine. The log has it whole.
 */
export function withoutPaths(error: JobError, names: PathNames): JobError {
  const { node } = error;
  return {
    ...error,
    message: shortened(error.message, names),
    ...(node !== undefined && {
      node: { ...node, traceback: node.traceback.map((line) => shortened(line, names)) },
    }),
  };
}

function shortened(text: string, names: PathNames): string {
  // Longest first: one may lie in another.
  const folders = [...names].toSorted(([a], [b]) => b.length - a.length);
  return folders.reduce(
    (rest, [folder, name]) => rest.replaceAll(`file://${folder}`, name).replaceAll(folder, name),
    text,
  );
}
