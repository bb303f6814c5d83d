export interface PreviewPace {
  /** How long a step took, and whether a picture was being encoded beside it. */
  note(stepMs: number, hadPicture: boolean): void;
  /** Whether one more picture keeps the loss under the share. */
  readonly hasRoom: boolean;
}

/**
 * More is not put down to a picture: one of 512 px is encoded in 7 to 14 ms (measured, 2 cores), on a machine whose cores
 * others want too it held steps up by some 50 ms.
 */
const HIGHEST_LOSS_MS = 60;

/**
 * Keeps what pictures take from a sampling under a share of its time. Encoding is not free where all cores compute: a
 * thread that is pushed aside holds up the step. How much shows in steps with a picture beside those without:
 *
 *   loss = sum over steps with a picture of max(0, their time - median time of steps without)
 *
 * On a busy machine steps differ for other reasons, too. The sum then says too much rather than too little.
 */
export function createPace(share: number): PreviewPace {
  let totalMs = 0;
  const plain: number[] = [];
  const shown: number[] = [];

  function loss(): number {
    const usual = plain.toSorted((a, b) => a - b)[Math.floor(plain.length / 2)] ?? 0;
    return shown.reduce((sum, ms) => sum + Math.min(Math.max(ms - usual, 0), HIGHEST_LOSS_MS), 0);
  }

  return {
    note(stepMs, hadPicture) {
      totalMs += stepMs;
      (hadPicture ? shown : plain).push(stepMs);
    },
    get hasRoom() {
      if (shown.length === 0) return true;
      // The next one may take the most: steps of a second have room for that, those of 50 ms for what was seen.
      if (HIGHEST_LOSS_MS * (shown.length + 1) <= share * totalMs) return true;
      if (plain.length === 0) return false;
      const lostMs = loss();
      return lostMs + lostMs / shown.length <= share * totalMs;
    },
  };
}
