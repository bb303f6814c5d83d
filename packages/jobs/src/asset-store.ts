/**
 * Uploaded files by content. A record belongs to one tenant and names a blob by its BLAKE3 hash; several records may
 * share one blob, and the blob's file stays for as long as one of them does.
 */
export interface AssetStore {
  /**
   * Writes a record. The same bytes under the same path are one record: the one that is there is answered, and
   * lives as long as the longer-lived of both. With `storedAs` undefined the blob must be known: else undefined.
   */
  addAsset(asset: NewAsset): Promise<AddedAsset | undefined>;
  /** Undefined: unknown, expired, or another tenant's. */
  findAsset(tenant: string, id: string): Promise<AssetRecord | undefined>;
  /** Whether a record of the tenant names these bytes. */
  hasBlob(tenant: string, hash: string): Promise<boolean>;
  /** False where there is no such record. The file goes later, by `sweepAssets`. */
  removeAsset(tenant: string, id: string): Promise<boolean>;
  /**
   * Removes records that have expired, and answers blobs that no record has named for `idleMs`: their files may go. Whoever
   * removes one asks `hasBlob` once more afterwards, since the same bytes may have come again meanwhile, and then forgets it;
   * one that is not forgotten is answered again after as long.
   */
  sweepAssets(idleMs: number): Promise<readonly SweptBlob[]>;
  /** Its file is gone. Where the same bytes have come again, nothing is changed. */
  forgetBlob(blob: SweptBlob): Promise<void>;
}

export interface AssetBlob {
  readonly tenant: string;
  /** `blake3:` and 64 hexadecimal digits. */
  readonly hash: string;
  /** Name of the file that holds the bytes. */
  readonly storedAs: string;
}

export interface SweptBlob extends AssetBlob {
  /** By Redis's clock; only good for being compared with itself. */
  readonly idleSince: string;
  /** What its records called it. */
  readonly paths: readonly string[];
}

export interface AssetRecord extends AssetBlob {
  readonly id: string;
  readonly sizeBytes: number;
  readonly contentType: string;
  /** As the client called it. */
  readonly filePath: string;
  readonly tags: readonly string[];
  readonly createdAt: string;
  /** Absent: kept until it is removed. */
  readonly expiresAt?: string;
}

export interface NewAsset {
  readonly tenant: string;
  readonly id: string;
  readonly hash: string;
  readonly storedAs?: string | undefined;
  /** Undefined with `storedAs`: as the blob's first record has it. */
  readonly sizeBytes?: number | undefined;
  readonly contentType?: string | undefined;
  readonly filePath: string;
  readonly tags?: readonly string[];
  readonly keepMs?: number | undefined;
}

export interface AddedAsset {
  readonly asset: AssetRecord;
  readonly isNewRecord: boolean;
  readonly isNewBlob: boolean;
}
