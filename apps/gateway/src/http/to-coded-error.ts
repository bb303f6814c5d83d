import { CodedError, type ErrorCode, isCodedError } from "@rabbitloom/protocol";

/**
 * Fastify's and its plugins' own errors in our words. Everything else is INTERNAL, and what it says is for the log: an error
 * of the system names paths of this machine, one of a library the host of a server behind.
 */
export function toCodedError(error: unknown): CodedError {
  if (isCodedError(error)) return error;
  const { code, statusCode, message } = facts(error);
  const known = code === undefined ? undefined : frameworkCodes[code];
  if (known !== undefined) return new CodedError(known, message, { cause: error });
  if (statusCode === 413) return new CodedError("PAYLOAD_TOO_LARGE", message, { cause: error });
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new CodedError("INVALID_REQUEST", message, { cause: error });
  }
  if (isBrokenMultipart(message)) {
    return new CodedError("INVALID_REQUEST", `multipart body: ${message}`, { cause: error });
  }
  return new CodedError("INTERNAL", "the gateway's log says what went wrong", { cause: error });
}

const frameworkCodes: Readonly<Partial<Record<string, ErrorCode>>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "PAYLOAD_TOO_LARGE",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "UNSUPPORTED_MEDIA_TYPE",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "INVALID_REQUEST",
  FST_INVALID_MULTIPART_CONTENT_TYPE: "UNSUPPORTED_MEDIA_TYPE",
  FST_REQ_FILE_TOO_LARGE: "PAYLOAD_TOO_LARGE",
  FST_PARTS_LIMIT: "PAYLOAD_TOO_LARGE",
  FST_FILES_LIMIT: "PAYLOAD_TOO_LARGE",
  FST_FIELDS_LIMIT: "PAYLOAD_TOO_LARGE",
  FST_PROTO_VIOLATION: "INVALID_REQUEST",
};

/** The multipart parser throws plain errors; its words are all there is to know them by. */
function isBrokenMultipart(message: string): boolean {
  return /^Multipart: |nexpected end of multipart data$/.test(message);
}

function facts(error: unknown) {
  if (!(error instanceof Error)) return { message: String(error) };
  return {
    message: error.message,
    code: "code" in error && typeof error.code === "string" ? error.code : undefined,
    statusCode:
      "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : undefined,
  };
}
