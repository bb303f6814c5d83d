import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringifyJson } from "@rabbitloom/workflow";
import type { FastifyInstance } from "fastify";
import { sendComfyJson, sendNothing } from "../http/comfy-reply.ts";
import { isObject, jsonBody, objectBody } from "../http/json-body.ts";

export interface SettingsRouteOptions {
  readonly userFolder: string;
}

/** `/users` and `/settings`: one user, whose settings are a file that all gateways share. */
export function settingsRoutes(app: FastifyInstance, { userFolder }: SettingsRouteOptions): void {
  const folder = join(userFolder, "default");
  const file = join(folder, "comfy.settings.json");
  let writing: Promise<unknown> = Promise.resolve();

  async function read(): Promise<Record<string, unknown>> {
    try {
      const parsed = jsonBody(await readFile(file, "utf8"));
      return isObject(parsed) ? parsed : {};
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
      throw error;
    }
  }

  /** One after the other, and each written aside first: a reader never sees half a file. */
  function change(settings: Readonly<Record<string, unknown>>): Promise<void> {
    const changing = writing.then(async () => {
      const all = { ...(await read()), ...settings };
      await mkdir(folder, { recursive: true });
      const aside = `${file}.${randomUUID()}`;
      await writeFile(aside, stringifyJson(all));
      await rename(aside, file);
    });
    writing = changing.catch(() => {});
    return changing;
  }

  app.get("/users", async (_request, reply) =>
    sendComfyJson(reply, { storage: "server", migrated: true }),
  );
  app.get("/settings", async (_request, reply) => sendComfyJson(reply, await read()));
  app.get<{ Params: { id: string } }>("/settings/:id", async (request, reply) => {
    const settings = await read();
    const { id } = request.params;
    return sendComfyJson(reply, Object.hasOwn(settings, id) ? settings[id] : null);
  });
  app.post("/settings", async (request, reply) => {
    await change(objectBody(request.body));
    return sendNothing(reply);
  });
  app.post<{ Params: { id: string } }>("/settings/:id", async (request, reply) => {
    await change({ [request.params.id]: jsonBody(request.body) });
    return sendNothing(reply);
  });
}
