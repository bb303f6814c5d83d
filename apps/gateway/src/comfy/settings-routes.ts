import type { FastifyInstance } from "fastify";
import { sendComfyJson, sendNothing } from "../http/comfy-reply.ts";
import { jsonBody, objectBody } from "../http/json-body.ts";
import { parseWith } from "../http/schema.ts";
import { operation } from "../openapi/operation.ts";
import {
  addUser,
  changeSetting,
  changeSettings,
  newUserSchema,
  readSetting,
  readSettings,
  readUsers,
} from "./info-operations.ts";
import type { UserSettings } from "./user-settings.ts";

/** `/users` and `/settings`: one user a tenant. */
export function settingsRoutes(app: FastifyInstance, { read, change }: UserSettings): void {
  app.get("/users", operation(readUsers), async (_request, reply) =>
    sendComfyJson(reply, { storage: "server", migrated: true }),
  );
  app.post("/users", operation(addUser), async (request, reply) => {
    parseWith(newUserSchema, objectBody(request.body), "body");
    return sendComfyJson(reply.code(400), { error: "this server keeps one user: nobody is added" });
  });
  app.get("/settings", operation(readSettings), async (request, reply) =>
    sendComfyJson(reply, await read(request.principal.tenant)),
  );
  app.get<{ Params: { id: string } }>(
    "/settings/:id",
    operation(readSetting),
    async (request, reply) => {
      const settings = await read(request.principal.tenant);
      const { id } = request.params;
      return sendComfyJson(reply, Object.hasOwn(settings, id) ? settings[id] : null);
    },
  );
  app.post("/settings", operation(changeSettings), async (request, reply) => {
    await change(request.principal.tenant, objectBody(request.body));
    return sendNothing(reply);
  });
  app.post<{ Params: { id: string } }>(
    "/settings/:id",
    operation(changeSetting),
    async (request, reply) => {
      await change(request.principal.tenant, { [request.params.id]: jsonBody(request.body) });
      return sendNothing(reply);
    },
  );
}
