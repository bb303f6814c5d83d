/**
 * Computed tensors on the disk. They are written once into files of their own in the system's temporary folder and then
 * mapped like those of any model, so that a merged model takes no more memory than one that is loaded.
 */
import { readdirSync, rmSync } from "node:fs";
import { mkdtemp, open, realpath, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { CodedError } from "@rabbitloom/protocol";
import { elementCount } from "../tensor.ts";
import { elementSizes } from "./element-size.ts";
import { encodeNumbers, isFloatType } from "./number-formats.ts";
import { type ChangedWeights, changedId, type TensorRecipe } from "./tensor-recipe.ts";
import type { TensorEntry, Weights } from "./weights.ts";

export interface ScratchFiles extends AsyncDisposable {
  /** The weights with all changes computed. Equal changes are computed once, as long as there is room. */
  located(weights: ChangedWeights): Promise<Weights>;
  /** Deletes all files; open networks keep what they have mapped. */
  free(): Promise<void>;
}

interface ScratchFile {
  readonly file: string;
  readonly bytes: number;
  readonly weights: Promise<Weights>;
}

const PREFIX = "rabbitloom-weights-";
/** Together; the least recently used file goes first. Five merged SD 1.5 UNets in F32, or four of SDXL in F16. */
const MAX_BYTES = 20e9;

export function createScratchFiles({ maxBytes = MAX_BYTES } = {}): ScratchFiles {
  const files = new Map<string, ScratchFile>();
  let folder: Promise<string> | undefined;
  let count = 0;

  async function write(weights: ChangedWeights, file: string, bytes: number): Promise<Weights> {
    const root = path.dirname(file);
    const { bavail, bsize } = await statfs(root);
    if (bavail * bsize < bytes) {
      throw new CodedError(
        "DEVICE_OUT_OF_MEMORY",
        `the changed weights of ${JSON.stringify(weights.base.name)} take ${megabytes(bytes)} MB in ${root}, where ${megabytes(bavail * bsize)} MB are free`,
      );
    }
    return await writeChanges(weights, file);
  }

  async function makeRoom(bytes: number): Promise<void> {
    for (const [id, { file }] of files) {
      const total = [...files.values()].reduce((sum, known) => sum + known.bytes, bytes);
      if (total <= maxBytes) return;
      files.delete(id);
      await rm(file, { force: true });
    }
  }

  async function free(): Promise<void> {
    const old = folder;
    folder = undefined;
    files.clear();
    if (old !== undefined) await rm(await old, { recursive: true, force: true });
  }

  return {
    async located(weights) {
      if (weights.changes.size === 0) return weights.base;
      const id = changedId(weights);
      const known = files.get(id);
      if (known !== undefined) {
        files.delete(id);
        files.set(id, known);
        return await known.weights;
      }
      folder ??= makeFolder();
      count += 1;
      const file = path.join(await folder, `${count}.bin`);
      const bytes = [...weights.changes.values()].reduce((sum, recipe) => sum + sizeOf(recipe), 0);
      await makeRoom(bytes);
      const written = write(weights, file, bytes);
      files.set(id, { file, bytes, weights: written });
      try {
        return await written;
      } catch (error) {
        files.delete(id);
        await rm(file, { force: true });
        throw error;
      }
    },
    free,
    [Symbol.asyncDispose]: free,
  };
}

async function writeChanges(weights: ChangedWeights, file: string): Promise<Weights> {
  const { base, changes } = weights;
  const tensors = new Map<string, TensorEntry>(base.tensors);
  await using handle = await open(file, "wx");
  let offset = 0;
  for (const [key, recipe] of changes) {
    const { type, shape } = recipe;
    if (!isFloatType(type)) throw new Error(`tensor "${key}" of type ${type} cannot be computed`);
    const bytes = encodeNumbers(type, await recipe.read());
    await handle.write(bytes, 0, bytes.length, offset);
    tensors.set(key, { type, shape, location: file, offset, length: bytes.length });
    offset += bytes.length;
  }
  return { ...base, id: changedId(weights), tensors };
}

const sizeOf = ({ type, shape }: TensorRecipe) => elementCount(shape) * elementSizes[type];

/** Removes what killed processes have left; this one's goes when it ends, however it ends by itself. */
async function makeFolder(): Promise<string> {
  for (const name of readdirSync(tmpdir())) {
    const owner = Number(/^rabbitloom-weights-(\d+)-/.exec(name)?.[1]);
    if (owner > 0 && !isAlive(owner))
      rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
  }
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), `${PREFIX}${process.pid}-`)));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

const megabytes = (bytes: number) => Math.round(bytes / 1e6);
