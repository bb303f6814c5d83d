import { defaultClientConditions, defineConfig } from "vite";

export default defineConfig({
  // The gateway may serve the page below a path of its own.
  base: "./",
  // Siblings are taken from their sources, as everywhere: no build has to come first.
  resolve: { conditions: ["@rabbitloom/source", ...defaultClientConditions] },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/view", "/upload", "/object_info", "/stomp"].map((path) => [
        path,
        { target: "http://127.0.0.1:8188", ws: true },
      ]),
    ),
  },
});
