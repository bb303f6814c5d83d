import type { GraphBuilder } from "./graph-builder.ts";
import type { Link } from "./values.ts";

/** What a running node may use of the world around it. One object for each call. */
export interface NodeContext extends CheckContext {
  /** Aborted when the job is cancelled or another node failed: hand it to everything that can wait. */
  readonly signal: AbortSignal;
  /** The node of the user's graph that this call is shown under. */
  readonly displayNodeId: string;
  /** Which call of a mapped list this is, from 0. */
  readonly listIndex: number;
  /** Linked inputs that the prompt gives although the class does not declare them. */
  readonly undeclared: Readonly<Record<string, unknown>>;
  /** Kept for this node id as long as the prompt keeps the node: what ComfyUI's nodes keep on `self`. */
  readonly state: Map<string, unknown>;
  /** Says how far the node is; what is no finite number counts as 0. Throws the abort reason when the job is cancelled, so that loops end by calling it. */
  progress(value: number, max: number, preview?: PreviewImage): void;
  /** Sends a finished picture to whoever watches, without saving it. */
  sendImage(bytes: Uint8Array, contentType: "image/jpeg" | "image/png"): void;
  /** Shows a line of text on the node. */
  sendText(text: string): void;
  /** A builder for the graph that `run` returns as `expand`; ids are the same in every run. */
  graphBuilder(prefix?: string): GraphBuilder;
  /** The graph as it is now, expansions included. */
  readonly dynamicPrompt: DynamicPrompt;
  /** Takes `count` numbers in a row for file names and gives the first; no other call ever gets one of them. */
  readonly allocateNames: NameAllocator;
}

/** What is there before anything runs: for `validate`, `isChanged` and `checkLazyStatus`. */
export interface CheckContext {
  readonly nodeId: string;
  readonly signal: AbortSignal;
  readonly files: FileAccess;
  readonly models: ModelFiles;
}

/** A picture on the way, already encoded. */
export interface PreviewImage {
  readonly bytes: Uint8Array;
  readonly contentType: "image/jpeg" | "image/png";
  readonly width: number;
  readonly height: number;
}

export type FolderType = "input" | "output" | "temp";

/** The three folders of ComfyUI. Every path that leaves its folder is refused with an error. */
export interface FileAccess {
  folder(type: FolderType): string;
  path(file: {
    readonly type: FolderType;
    readonly subfolder?: string;
    readonly filename: string;
  }): string;
  /** The path of a name as widgets write it: `sub/a.png`, `a.png [output]`. */
  annotatedPath(name: string, defaultType?: FolderType): string;
  /** Names of the files right in the folder, sorted. */
  list(type: FolderType): Promise<readonly string[]>;
}

/** Model files by folder name (`checkpoints`, `loras`, ...). */
export interface ModelFiles {
  /** Names relative to the folder, sorted; empty for a folder that is not there. */
  list(folder: string): readonly string[];
  /** Absolute path. Throws where there is no such file, naming the ones that are. */
  path(folder: string, name: string): string;
}

export interface NameRequest {
  readonly type: FolderType;
  /** Relative to the folder, "" for the folder itself. */
  readonly subfolder: string;
  /** The file name before `_00001_.png`. */
  readonly prefix: string;
  readonly count: number;
  /** Only numbers higher than this one, as lower ones were found to be taken. */
  readonly above?: number;
}

export type NameAllocator = (request: NameRequest) => Promise<number>;

/** A node of a prompt in API form; inputs hold literals and links. */
export interface PromptNode {
  readonly class_type: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** In expansions: the id that is shown instead of the parent's. */
  readonly override_display_id?: string;
}

/** Reads the graph while it runs. */
export interface DynamicPrompt {
  has(id: string): boolean;
  /** Throws for an id that no node has. */
  node(id: string): PromptNode;
  /** The node whose expansion made this one; null in the user's graph. */
  parentId(id: string): string | null;
  displayId(id: string): string;
  /** The topmost ancestor, always of the user's graph. */
  realId(id: string): string;
  ids(): Iterable<string>;
}

export type { Link };
