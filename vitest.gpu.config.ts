import { defineConfig } from "vitest/config";

/** Tests that want an accelerator: no other run includes them. `DEVICE=cuda pnpm test:gpu` */
export default defineConfig({
  ssr: {
    resolve: { conditions: ["@rabbitloom/source"], externalConditions: ["@rabbitloom/source"] },
  },
  resolve: { conditions: ["@rabbitloom/source"] },
  test: { name: "gpu", testTimeout: 300_000, include: ["packages/*/test-gpu/**/*.test.ts"] },
});
