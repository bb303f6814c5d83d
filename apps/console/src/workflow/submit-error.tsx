import {
  type CodedError,
  type NodeErrorReason,
  type NodeErrors,
  nodeErrorsSchema,
} from "@rabbitloom/protocol";
import { useEffect, useRef } from "preact/hooks";

/** Why a workflow was not accepted: in one sentence, and node by node where the nodes are the reason. */
export function SubmitError({
  error,
  titles,
}: {
  readonly error: CodedError;
  readonly titles: Readonly<Record<string, string>>;
}) {
  const nodes = Object.entries(complaintsOf(error));
  const notice = useRef<HTMLDivElement>(null);
  useEffect(() => notice.current?.scrollIntoView({ block: "nearest" }), []);
  return (
    <div class="notice bad" role="alert" ref={notice}>
      <strong>{headline(error, nodes.length)}</strong>
      {nodes.length === 0 ? (
        <p>{error.message}</p>
      ) : (
        <ul>
          {nodes.map(([id, { errors, class_type }]) => (
            <li key={id} data-node={id}>
              <b>{titles[id] ?? class_type}</b> #{id}: {errors.map(sentenceOf).join("; ")}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** What the gateway said against single nodes. */
export function complaintsOf(error: CodedError | undefined): NodeErrors {
  return nodeErrorsSchema.catch({}).parse(error?.details.nodeErrors ?? {});
}

export function sentenceOf({ type, message, details }: NodeErrorReason): string {
  // The node's own words: what stands before them says nothing more.
  if (type === "custom_validation_failed" && details !== "") return details;
  return details === "" || message.includes(details) ? message : `${message}: ${details}`;
}

function headline(error: CodedError, nodeCount: number): string {
  if (nodeCount > 0)
    return nodeCount === 1 ? "One node is not right." : `${nodeCount} nodes are not right.`;
  return error.isRetryable
    ? "This did not work now; trying again may help."
    : "This cannot be run.";
}
