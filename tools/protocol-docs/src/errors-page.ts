import { errorCodes, isErrorCode } from "@rabbitloom/protocol";
import { httpStatus } from "../../../apps/gateway/src/http/http-status.ts";

/** `docs/errors.md`: the table of codes, with what the gateway answers for each. */
export function errorsPage(): string {
  const rows = Object.keys(errorCodes)
    .filter(isErrorCode)
    .map((code) => {
      const { retryable, summary } = errorCodes[code];
      return `| \`${code}\` | ${httpStatus[code]} | ${retryable ? "yes" : "no"} | ${summary} |`;
    });
  return [
    "# Errors",
    "",
    "Every error that a client sees has one of these codes; they are never renamed. *Again* says whether the same",
    "request may succeed later, or on another worker. *HTTP* is the status where the error answers a request; a job",
    "that fails carries its code in `job-end` and in its record instead.",
    "",
    "| Code | HTTP | Again | Meaning |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
