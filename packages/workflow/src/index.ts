export type { ParseJsonOptions, StringifyJsonOptions } from "@rabbitloom/protocol";
export {
  copyFloatMarks,
  isFloatAt,
  markFloat,
  parseJson,
  pythonFloat,
  pythonRepr,
  pythonStr,
  pythonType,
  stringifyJson,
} from "@rabbitloom/protocol";
export { attachWorkflow } from "./convert/attach-workflow.ts";
export type { ConvertedWorkflow, ConvertOptions } from "./convert/convert-workflow.ts";
export { convertWorkflow } from "./convert/convert-workflow.ts";
export type { UiWorkflow } from "./convert/ui-workflow.ts";
export { uiWorkflowSchema } from "./convert/ui-workflow.ts";
export type { NodeInfoLookup } from "./convert/widget-slots.ts";
export type { NodeOrder } from "./order/nodes-in-order.ts";
export { nodesInOrder } from "./order/nodes-in-order.ts";
export type { Link } from "./prompt/link.ts";
export { isLink } from "./prompt/link.ts";
export type {
  ParsedPrompt,
  ParsePromptOptions,
  SubmittedNode,
  SubmittedPrompt,
} from "./prompt/parse-prompt.ts";
export { parsePrompt } from "./prompt/parse-prompt.ts";
export type { FileFolder } from "./validate/annotated-file.ts";
export { annotatedFile } from "./validate/annotated-file.ts";
export type { FileLookup } from "./validate/check-files.ts";
export type { ModelLookup } from "./validate/check-literal.ts";
export type { CustomCheck, CustomCheckRequest } from "./validate/custom-checks.ts";
export type { PromptFailure } from "./validate/problems.ts";
export type { ValidateOptions, Validation } from "./validate/validate-prompt.ts";
export { validatePrompt } from "./validate/validate-prompt.ts";
