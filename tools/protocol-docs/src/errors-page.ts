import { errorCodes, isErrorCode, retryPolicy } from "@rabbitloom/protocol";
import { httpStatus } from "../../../apps/gateway/src/http/http-status.ts";

/** `docs/errors.md`: the table of codes, with what the gateway answers for each. */
export function errorsPage(): string {
  const rows = Object.keys(errorCodes)
    .filter(isErrorCode)
    .map((code) => {
      const { retryable, summary } = errorCodes[code];
      const policy = retryPolicy(code);
      const runs = policy === undefined ? "" : `${policy.most}, first after ${policy.pause}`;
      return `| \`${code}\` | ${httpStatus[code]} | ${retryable ? "yes" : "no"} | ${runs} | ${summary} |`;
    });
  return [
    "# Errors",
    "",
    "Every error that a client sees has one of these codes; they are never renamed. *Again* says whether the same",
    "request may succeed later, or on another worker. *HTTP* is the status where the error answers a request; a job",
    "that fails carries its code in `job-end` and in its record instead. *Runs again* is how often the fleet itself",
    "runs a job again whose attempt failed so, and the first wait in units of `RETRY_SECONDS`; each later wait is",
    "twice as long. A job that has used them up, or the lane's `DELIVERY_LIMIT`, is a dead letter: `JOB_DEAD`, with",
    "the message, node and inputs of its last attempt. A single failure may be for good although its code is not: what",
    "can never fit the worker's memory ends its job at once, as `DEVICE_OUT_OF_MEMORY` with `retryable: false`.",
    "",
    "| Code | HTTP | Again | Runs again | Meaning |",
    "|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
