import type { FastifyInstance } from "fastify";
import { toCodedError } from "../http/to-coded-error.ts";
import { assetLookup, type V2AssetOptions, v2AssetRoutes } from "./asset-routes.ts";
import { sendV2Error } from "./errors.ts";
import { type V2JobOptions, v2JobRoutes } from "./job-routes.ts";

export type V2RouteOptions = Omit<V2JobOptions, "assets"> & V2AssetOptions;

/** Comfy API v2, with its own error envelope on every error. */
export async function v2Routes(app: FastifyInstance, options: V2RouteOptions): Promise<void> {
  await app.register(
    (scope, _options, done) => {
      scope.setErrorHandler((error, request, reply) => {
        const coded = toCodedError(error);
        if (coded.code === "INTERNAL") {
          request.log.error({ err: error, url: request.url }, "request failed");
        }
        return sendV2Error(reply, coded);
      });
      v2JobRoutes(scope, {
        ...options,
        assets: (request) => assetLookup(options, request.principal),
      });
      v2AssetRoutes(scope, options);
      done();
    },
    { prefix: "/api/v2" },
  );
}
