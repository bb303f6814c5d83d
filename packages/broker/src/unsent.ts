/** Errors of messages that never left this process: nobody can have them. */
const unsent = new WeakSet<Error>();

export function markUnsent<Failure extends Error>(error: Failure): Failure {
  unsent.add(error);
  return error;
}

/** Whether the message that failed with this error was never sent, so that it cannot arrive later. */
export function isUnsent(error: unknown): boolean {
  return error instanceof Error && unsent.has(error);
}
