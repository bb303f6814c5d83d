import { CodedError } from "@rabbitloom/protocol";
import { codeOf } from "./claim-name.ts";

/** What the file system says to a name that is a folder, lies below a file, or is too long. */
const NAME_PROBLEMS: readonly (string | undefined)[] = [
  "EISDIR",
  "ENOTDIR",
  "EEXIST",
  "ENOTEMPTY",
  "ENAMETOOLONG",
  "EINVAL",
  "EBUSY",
  "ERR_FS_EISDIR",
];

/** Runs work on names that clients chose. Throws FILE_REFUSED where a name cannot be a file's there. */
export async function refusingOddNames<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    const code = codeOf(cause);
    if (!NAME_PROBLEMS.includes(code)) throw cause;
    throw new CodedError(
      "FILE_REFUSED",
      `the name cannot be a file's: ${code === "ENAMETOOLONG" ? "it is too long" : "a folder is there, or a file is in its way"}`,
      { cause },
    );
  }
}
