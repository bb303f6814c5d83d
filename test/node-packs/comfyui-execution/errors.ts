/** Errors under the names that ComfyUI's clients see for them. */
export class IndexError extends Error {}
export class RuntimeError extends Error {}
export class ZeroDivisionError extends Error {}
