import type { JobError } from "@rabbitloom/protocol";

/** Why a job did not succeed, with the node that failed. */
export function JobFailure({
  error,
  titleOf,
}: {
  readonly error: JobError;
  readonly titleOf: (nodeId: string) => string;
}) {
  if (error.code === "JOB_CANCELLED") return null;
  const { node, nodeErrors = {} } = error;
  return (
    <div class="notice bad" role="alert" data-code={error.code}>
      <strong>{node ? `${titleOf(node.nodeId)} failed.` : "The job failed."}</strong>
      <p>{error.message}</p>
      {Object.entries(nodeErrors).map(([id, { errors }]) => (
        <p key={id}>
          <b>{titleOf(id)}</b>: {errors.map(({ message }) => message).join("; ")}
        </p>
      ))}
      {node && node.traceback.length > 0 && (
        <details>
          <summary>
            {node.exceptionType} in {node.nodeType} #{node.nodeId}
          </summary>
          <pre>{node.traceback.join("")}</pre>
        </details>
      )}
    </div>
  );
}
