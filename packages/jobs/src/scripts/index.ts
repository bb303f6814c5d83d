import type { Script } from "../redis-connection.ts";
import {
  addAssetScript,
  findAssetScript,
  hasBlobScript,
  removeAssetScript,
  sweepAssetsScript,
} from "./assets.ts";
import { claimScript, progressScript, releaseScript } from "./attempt.ts";
import {
  announcedScript,
  buryScript,
  cancelScript,
  finishScript,
  forgetOldestScript,
  forgetScript,
  lastErrorScript,
  refuseScript,
} from "./ending.ts";
import {
  answerKeyScript,
  forgetKeyScript,
  keepHoldingScript,
  leaveKeyScript,
  stopHoldingScript,
  takeKeyScript,
} from "./idempotency.ts";
import { createKeyScript, findKeyScript, listKeysScript, revokeKeyScript } from "./keys.ts";
import { countRequestScript } from "./limits.ts";
import { allocateScript, forgetLeftoverScript, leftoversScript } from "./names.ts";
import { findScript, historyScript, listScript, queueScript, queueSizeScript } from "./reading.ts";
import {
  attemptsScript,
  expireScript,
  isAliveScript,
  leaseScript,
  requeueScript,
  sinceScript,
  takeBackScript,
  waitingScript,
} from "./recovery.ts";
import { announceScript, catalogScript, retireScript, workersScript } from "./registry.ts";
import { forgetStreamScript, noteStreamScript, streamsScript } from "./streams.ts";
import { promiseScript, submitScript, withdrawScript } from "./submit.ts";
import {
  closeTenantQueueScript,
  forgetTenantQueueScript,
  muteTenantQueueScript,
  noteTenantQueueScript,
  returnTurnScript,
  setTurnsScript,
  takeTurnScript,
  tenantQueuesScript,
} from "./turns.ts";
import { settleWebhookScript, takeWebhooksScript, webhookLogScript } from "./webhooks.ts";

/** Every script of the store. */
export const storeScripts: readonly Script[] = [
  addAssetScript,
  findAssetScript,
  hasBlobScript,
  removeAssetScript,
  sweepAssetsScript,
  submitScript,
  promiseScript,
  withdrawScript,
  claimScript,
  progressScript,
  releaseScript,
  finishScript,
  cancelScript,
  buryScript,
  announcedScript,
  lastErrorScript,
  refuseScript,
  forgetScript,
  forgetOldestScript,
  findScript,
  queueScript,
  queueSizeScript,
  historyScript,
  listScript,
  allocateScript,
  leftoversScript,
  forgetLeftoverScript,
  announceScript,
  retireScript,
  workersScript,
  catalogScript,
  noteStreamScript,
  forgetStreamScript,
  streamsScript,
  expireScript,
  isAliveScript,
  attemptsScript,
  takeBackScript,
  waitingScript,
  leaseScript,
  requeueScript,
  sinceScript,
  createKeyScript,
  findKeyScript,
  listKeysScript,
  revokeKeyScript,
  countRequestScript,
  takeKeyScript,
  answerKeyScript,
  leaveKeyScript,
  forgetKeyScript,
  keepHoldingScript,
  stopHoldingScript,
  takeTurnScript,
  returnTurnScript,
  noteTenantQueueScript,
  tenantQueuesScript,
  setTurnsScript,
  closeTenantQueueScript,
  forgetTenantQueueScript,
  muteTenantQueueScript,
  takeWebhooksScript,
  settleWebhookScript,
  webhookLogScript,
];
