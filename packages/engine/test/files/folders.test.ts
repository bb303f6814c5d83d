import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFileAccess, type Folders, makeFolders } from "../../src/files/folders.ts";

let root = "";
let folders: Folders;
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "folders-test-"));
  folders = {
    input: path.join(root, "input"),
    output: path.join(root, "output"),
    temp: path.join(root, "temp"),
  };
  await makeFolders(folders);
});
afterAll(() => rm(root, { recursive: true, force: true }));

test("a name is found in its folder, or in the one that it says", () => {
  const files = createFileAccess(folders);
  expect(files.annotatedPath("a.png")).toBe(path.join(root, "input/a.png"));
  expect(files.annotatedPath("sub/a.png [output]")).toBe(path.join(root, "output/sub/a.png"));
  expect(files.path({ type: "temp", subfolder: "x/y", filename: "b.png" })).toBe(
    path.join(root, "temp/x/y/b.png"),
  );
});

test.each([
  "../a.png",
  "/etc/passwd",
  "sub/../../a.png",
  "../input-of-others/a.png",
  "../../temp/a [temp]",
  "a\0.png",
])("the name %j is refused", (name) => {
  const files = createFileAccess(folders);
  expect(() => files.annotatedPath(name)).toThrow(
    expect.objectContaining({ code: "FILE_REFUSED" }),
  );
  expect(() => files.path({ type: "output", filename: name })).toThrow(/leads out of the output/);
});

test("neither subfolder nor file name may leave what stands before it", () => {
  const files = createFileAccess(folders);
  const refused = expect.objectContaining({ code: "FILE_REFUSED" });
  expect(() => files.path({ type: "output", subfolder: "..", filename: "a" })).toThrow(refused);
  expect(() => files.path({ type: "output", subfolder: "a", filename: "../b" })).toThrow(refused);
});

test("a listing has the folder's files, sorted, and is empty where there is no folder", async () => {
  await mkdir(path.join(root, "input/folder"));
  for (const name of ["b.png", "B.png", "a.txt"]) {
    await writeFile(path.join(root, "input", name), "");
  }
  expect(await createFileAccess(folders).list("input")).toEqual(["B.png", "a.txt", "b.png"]);
  const nowhere = createFileAccess({ ...folders, temp: path.join(root, "nowhere") });
  expect(await nowhere.list("temp")).toEqual([]);
});

test("a link out of its folder is refused, of a file and of a folder; one within it is not", async () => {
  const refused = expect.objectContaining({ code: "FILE_REFUSED" });
  const secret = path.join(root, "secret");
  await mkdir(secret);
  await writeFile(path.join(secret, "key.png"), "");
  await writeFile(path.join(root, "input/mine.png"), "");
  await symlink(path.join(secret, "key.png"), path.join(root, "input/file-link.png"));
  await symlink(secret, path.join(root, "input/folder-link"));
  await symlink(path.join(root, "input/mine.png"), path.join(root, "input/own-link.png"));
  const files = createFileAccess(folders);
  expect(() => files.annotatedPath("file-link.png")).toThrow(refused);
  expect(() => files.annotatedPath("folder-link/key.png")).toThrow(refused);
  expect(() => files.path({ type: "input", subfolder: "folder-link", filename: "new" })).toThrow(
    refused,
  );
  expect(files.annotatedPath("own-link.png")).toBe(path.join(root, "input/own-link.png"));
});
