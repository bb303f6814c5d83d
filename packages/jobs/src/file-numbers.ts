/** Numbers in the names of files, and what is to be removed of them. */
export interface FileNumberStore {
  /**
   * The next `count` numbers for files of one prefix in one folder, for every worker in turn. `seed` is
   * called once per prefix, where no number is known: it looks at the folder and answers the highest used one.
   * They are noted for the attempt, so that a later one can remove what it left behind.
   */
  allocateNumbers(request: NumberRequest): Promise<{ readonly first: number }>;
  /** What attempts may have written of jobs that then ended without them; a hundred at most, in no order. */
  leftovers(): Promise<Leftover[]>;
  /** Once its files are gone. */
  forgetLeftover(leftover: Leftover): Promise<void>;
}

/** Where the files of some numbers are, or were going to be. */
export interface FileNumbers {
  /** Root folder kind. */
  readonly type: "output" | "temp";
  readonly subfolder: string;
  readonly prefix: string;
  readonly first: number;
  readonly count: number;
  /** When they were given, in milliseconds: a file that is older has its number from somewhere else. */
  readonly givenAt: number;
}

export interface NumberRequest extends Omit<FileNumbers, "first" | "givenAt"> {
  readonly jobId: string;
  readonly attempt: number;
  readonly seed: () => Promise<number>;
  /** Only numbers higher than this one, as lower ones were found to be taken. */
  readonly above?: number | undefined;
}

export interface Leftover extends FileNumbers {
  readonly tenant: string;
  /** When the job ended, in milliseconds: what is newer is not its own. */
  readonly endedAt: number;
}
