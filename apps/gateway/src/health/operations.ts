import * as z from "zod";
import { json, type Operation } from "../openapi/operation.ts";

export const readLiveness: Operation = {
  operationId: "livez",
  surface: "gateway",
  summary: "Does the process answer?",
  responses: {
    "200": {
      description: "Yes.",
      content: json(z.object({ status: z.literal("ok"), gatewayId: z.string() }), {
        status: "ok",
        gatewayId: "gateway-1",
      }),
    },
  },
};

const readinessSchema = z.object({
  status: z.enum(["ready", "not ready"]),
  broker: z.string(),
  redis: z.string(),
  workers: z.int(),
  catalog: z.string(),
  gatewayId: z.string(),
});
const ready = {
  status: "ready",
  broker: "ok",
  redis: "ok",
  workers: 2,
  catalog: "ok",
  gatewayId: "gateway-1",
};

export const readReadiness: Operation = {
  operationId: "readyz",
  surface: "gateway",
  summary: "Would a job sent now run?",
  responses: {
    "200": { description: "Yes.", content: json(readinessSchema, ready) },
    "503": {
      description: "Not now, and why.",
      content: json(readinessSchema, { ...ready, status: "not ready", workers: 0 }),
    },
  },
};

export const readMetrics: Operation = {
  operationId: "metrics",
  surface: "gateway",
  summary: "Numbers for Prometheus",
  responses: {
    "200": {
      description: "Its text format.",
      content: { "text/plain": { example: "rabbitloom_workers 2\n" } },
    },
  },
};

export const openStomp: Operation = {
  operationId: "stompSocket",
  surface: "gateway",
  summary: "The broker's STOMP, over a WebSocket",
  description: "For the ticket of `POST /api/v1/jobs/{id}/watch`.",
  responses: { "101": { description: "STOMP frames; the first one is CONNECT with the ticket." } },
};
