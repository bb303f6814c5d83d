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
export type { ControlMessage } from "./control.ts";
export { controlMessageSchema } from "./control.ts";
export type { Cursor } from "./cursor.ts";
export { formatCursor, isAfter, parseCursor } from "./cursor.ts";
export type { CodedErrorOptions, ErrorCode } from "./errors.ts";
export { CodedError, errorCodes, isCodedError, isErrorCode } from "./errors.ts";
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
export type { Lane } from "./identifiers.ts";
export { DEFAULT_POOL, jobIdSchema, laneSchema, lanes, poolSchema } from "./identifiers.ts";
export type { JobMessage, JobMessageInput, JobProgress, JobView } from "./job.ts";
export { jobMessageSchema, jobProgressSchema, jobViewSchema } from "./job.ts";
export { copyFloatMarks, isFloatAt, markFloat } from "./json/float-marks.ts";
export type { ParseJsonOptions } from "./json/parse-json.ts";
export { parseJson } from "./json/parse-json.ts";
export { pythonFloat } from "./json/python-float.ts";
export { pythonRepr, pythonStr, pythonType } from "./json/python-text.ts";
export type { StringifyJsonOptions } from "./json/stringify-json.ts";
export { stringifyJson } from "./json/stringify-json.ts";
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
export type { WatchTicket } from "./ticket.ts";
export { watchTicketSchema } from "./ticket.ts";
export type { JobQueueOptions, Topology, TopologyOptions } from "./topology.ts";
export {
  holdingQueueArguments,
  jobQueueArguments,
  replyStreamArguments,
  serviceQueueArguments,
  stompDestination,
  topology,
} from "./topology.ts";
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
