import type { FastifyInstance } from "fastify";
import { sendComfyError } from "../http/comfy-reply.ts";
import { toCodedError } from "../http/to-coded-error.ts";
import { type SocketRouteOptions, socketRoutes } from "../ws/routes.ts";
import { type HistoryRouteOptions, historyRoutes } from "./history-routes.ts";
import { type InfoRouteOptions, infoRoutes } from "./info-routes.ts";
import { type InternalRouteOptions, internalRoutes } from "./internal-routes.ts";
import { type ComfyJobRouteOptions, comfyJobRoutes } from "./job-routes.ts";
import { type ModelRouteOptions, modelRoutes } from "./model-routes.ts";
import { type ComfyPromptOptions, comfyPromptRoutes } from "./prompt-route.ts";
import { type QueueRouteOptions, queueRoutes } from "./queue-routes.ts";
import { settingsRoutes } from "./settings-routes.ts";
import { type UploadRouteOptions, uploadRoutes } from "./upload-routes.ts";
import { type UserSettingsOptions, userSettings } from "./user-settings.ts";
import { type UserDataRouteOptions, userDataRoutes } from "./userdata-routes.ts";
import { type ViewRouteOptions, viewRoute } from "./view-route.ts";

export type ComfyRouteOptions = ComfyPromptOptions &
  QueueRouteOptions &
  HistoryRouteOptions &
  ComfyJobRouteOptions &
  InfoRouteOptions &
  InternalRouteOptions &
  ModelRouteOptions &
  UploadRouteOptions &
  ViewRouteOptions &
  UserSettingsOptions &
  UserDataRouteOptions &
  SocketRouteOptions;

/** ComfyUI's own API, each route also under `/api`, with errors in ComfyUI's shape. */
export async function comfyRoutes(app: FastifyInstance, options: ComfyRouteOptions): Promise<void> {
  const settings = userSettings(options);
  for (const prefix of ["", "/api"]) {
    await app.register(
      (scope, _options, done) => {
        scope.setErrorHandler((error, request, reply) => {
          const coded = toCodedError(error);
          if (coded.code === "INTERNAL") {
            request.log.error({ err: error, url: request.url }, "request failed");
          }
          return sendComfyError(reply, coded);
        });
        comfyPromptRoutes(scope, options);
        queueRoutes(scope, options);
        historyRoutes(scope, options);
        viewRoute(scope, options);
        uploadRoutes(scope, options);
        if (prefix === "/api") comfyJobRoutes(scope, options);
        infoRoutes(scope, options);
        modelRoutes(scope, options);
        internalRoutes(scope, options);
        settingsRoutes(scope, settings);
        // A room of its own: bodies are bytes there.
        scope.register((inner, _inner, ready) => {
          userDataRoutes(inner, options);
          ready();
        });
        socketRoutes(scope, options);
        done();
      },
      { prefix },
    );
  }
}
