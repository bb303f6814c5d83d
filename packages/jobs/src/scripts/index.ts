import type { Script } from "../redis-connection.ts";
import { claimScript, progressScript, releaseScript } from "./attempt.ts";
import {
  announcedScript,
  buryScript,
  cancelScript,
  finishScript,
  forgetOldestScript,
  forgetScript,
  lastErrorScript,
} from "./ending.ts";
import { allocateScript } from "./names.ts";
import { findScript, historyScript, listScript, queueScript, queueSizeScript } from "./reading.ts";
import { announceScript, catalogScript, retireScript, workersScript } from "./registry.ts";
import { forgetStreamScript, noteStreamScript, streamsScript } from "./streams.ts";
import { submitScript, withdrawScript } from "./submit.ts";

/** Every script of the store. */
export const storeScripts: readonly Script[] = [
  submitScript,
  withdrawScript,
  claimScript,
  progressScript,
  releaseScript,
  finishScript,
  cancelScript,
  buryScript,
  announcedScript,
  lastErrorScript,
  forgetScript,
  forgetOldestScript,
  findScript,
  queueScript,
  queueSizeScript,
  historyScript,
  listScript,
  allocateScript,
  announceScript,
  retireScript,
  workersScript,
  catalogScript,
  noteStreamScript,
  forgetStreamScript,
  streamsScript,
];
