export type { AccessScope, ApiKey } from "./access.ts";
export { accessScopeSchema, accessScopes, apiKeySchema } from "./access.ts";
export type {
  InputDeclaration,
  ListedValues,
  ModelCatalog,
  NodeCatalog,
  NodeCatalogEntry,
  NodeInfo,
} from "./catalog.ts";
export {
  inputDeclarationSchema,
  listedValuesSchema,
  modelCatalogSchema,
  nodeCatalogEntrySchema,
  nodeCatalogSchema,
  nodeInfoSchema,
} from "./catalog.ts";
export type { ClassCheckAnswer, ClassCheckReply } from "./class-check.ts";
export { classCheckAnswerSchema, classCheckReplySchema } from "./class-check.ts";
export { commaListSchema } from "./comma-list.ts";
export type { ControlMessage } from "./control.ts";
export { controlMessageSchema } from "./control.ts";
export type { Cursor } from "./cursor.ts";
export { formatCursor, isAfter, parseCursor } from "./cursor.ts";
export type { DeadLetter } from "./dead-letter.ts";
export { deadLetterSchema, jobIdOfMessage, REASON_HEADER } from "./dead-letter.ts";
export type { CodedErrorOptions, ErrorCode, RetryPolicy } from "./errors.ts";
export { CodedError, errorCodes, isCodedError, isErrorCode, retryPolicy } from "./errors.ts";
export type {
  EngineEvent,
  JobEndEvent,
  JobError,
  JobEvent,
  JobState,
  JsonEvent,
  NodeReference,
  PreviewEvent,
  PreviewFacts,
  TerminalState,
} from "./events.ts";
export {
  isTerminal,
  jobErrorSchema,
  jobStateSchema,
  jobStates,
  jsonEventSchema,
  jsonEventSchemas,
  nodeReferenceSchema,
  nodeStateSchema,
  previewFactsSchema,
  terminalStates,
} from "./events.ts";
export type { Lane, TenantPlace } from "./identifiers.ts";
export {
  DEFAULT_POOL,
  DEFAULT_TENANT,
  jobIdSchema,
  laneSchema,
  lanes,
  poolSchema,
  tagsSchema,
  tenantPlaceSchema,
  tenantSchema,
} from "./identifiers.ts";
export type { JobLimits, JobMessage, JobMessageInput, JobProgress, JobView } from "./job.ts";
export {
  JOB_DEPTH,
  jobLimitsSchema,
  jobMessageSchema,
  jobProgressSchema,
  jobViewSchema,
  MOST_JOB_BYTES,
} from "./job.ts";
export { copyFloatMarks, isFloatAt, markFloat } from "./json/float-marks.ts";
export type { ParseJsonOptions } from "./json/parse-json.ts";
export { parseJson } from "./json/parse-json.ts";
export { pythonFloat } from "./json/python-float.ts";
export { pythonRepr, pythonStr, pythonType } from "./json/python-text.ts";
export type { StringifyJsonOptions } from "./json/stringify-json.ts";
export { stringifyJson, WRITTEN_DEPTH } from "./json/stringify-json.ts";
export { lastWords } from "./last-words.ts";
export type { ShownFile } from "./output-files.ts";
export { outputFilesOf } from "./output-files.ts";
export { isPicture, SIGNATURE_BYTES } from "./picture-signature.ts";
export type {
  ExtraData,
  NodeErrorReason,
  NodeErrors,
  NodeOutput,
  OutputFile,
  Outputs,
  Prompt,
  PromptNode,
} from "./prompt.ts";
export {
  extraDataSchema,
  keepFloatMarks,
  nodeErrorReasonSchema,
  nodeErrorsSchema,
  nodeOutputSchema,
  outputFileSchema,
  outputsSchema,
  promptNodeSchema,
  promptSchema,
} from "./prompt.ts";
export type { Senders } from "./senders.ts";
export {
  isBelieved,
  readSenders,
  replyQueueOf,
  SENDER_HEADER,
  senderOf,
  senderVariables,
  tenantOfSender,
  userOf,
} from "./senders.ts";
export type { WatchTicket } from "./ticket.ts";
export { watchTicketSchema } from "./ticket.ts";
export type { JobQueueOptions, Topology, TopologyOptions } from "./topology.ts";
export {
  DEFAULT_DELIVERY_LIMIT,
  holdingQueueArguments,
  jobQueueArguments,
  replyStreamArguments,
  serviceQueueArguments,
  stompDestination,
  streamNoteArguments,
  topology,
} from "./topology.ts";
export type { ProgressTracker } from "./track-progress.ts";
export { trackProgress } from "./track-progress.ts";
export type {
  Webhook,
  WebhookDelivery,
  WebhookEvent,
  WebhookMessage,
  WebhookState,
} from "./webhook.ts";
export {
  webhookDeliverySchema,
  webhookEventSchema,
  webhookMessageSchema,
  webhookSchema,
  webhookStates,
} from "./webhook.ts";
export type { IncomingMessage, WireMessage } from "./wire.ts";
export {
  decodeEvent,
  decodeEvents,
  decodeJob,
  encodeEvents,
  encodeJob,
  encodePreview,
} from "./wire.ts";
export type { Device, WorkerRegistration } from "./worker.ts";
export { deviceSchema, workerRegistrationSchema, workerStateSchema } from "./worker.ts";
