import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { inTurn } from "../../src/files/picture-turns.ts";
import { testGateway } from "../support/test-gateway.ts";

test("two at most are worked on at once, the others in turn", async () => {
  let running = 0;
  let most = 0;
  const ends: (() => void)[] = [];
  const work = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((end) => ends.push(end));
    running -= 1;
    return running;
  };
  const all = Array.from({ length: 6 }, () => inTurn(work));
  const failing = inTurn(async () => {
    throw new Error("no picture");
  });
  failing.catch(() => {});
  for (let ended = 0; ended < 6; ended++) {
    await expect.poll(() => ends.length).toBeGreaterThan(ended);
    ends[ended]?.();
  }
  await Promise.all(all);
  await expect(failing).rejects.toThrow("no picture");
  expect(most).toBe(2);
});

test("a client that has gone does not keep its turn", async () => {
  await using gateway = await testGateway();
  // Seconds of work each, for more clients than anybody waits for.
  const size = { width: 2_000, height: 2_000 };
  const noise = {
    ...size,
    channels: 3,
    noise: { type: "gaussian", mean: 128, sigma: 50 },
  } as const;
  await sharp({ create: { ...noise, background: "black" } })
    .png({ compressionLevel: 0 })
    .toFile(join(gateway.folders.output, "noise.png"));
  const url = await gateway.app.listen({ port: 0, host: "127.0.0.1" });
  let asked = 0;
  gateway.app.server.on("request", () => {
    asked += 1;
  });
  const holds: (() => void)[] = [];
  const held = [1, 2].map(() => inTurn(() => new Promise<void>((end) => holds.push(end))));
  const leaving = new AbortController();
  const clients = Array.from({ length: 60 }, () =>
    fetch(`${url}/view?filename=noise.png&preview=webp`, { signal: leaving.signal }).catch(
      () => "gone",
    ),
  );
  await expect.poll(() => asked).toBe(60);
  leaving.abort();
  expect(new Set(await Promise.all(clients))).toEqual(new Set(["gone"]));

  let isNext = false;
  const next = inTurn(async () => {
    isNext = true;
  });
  holds[0]?.();
  await expect.poll(() => isNext).toBe(true);
  holds[1]?.();
  await Promise.all([...held, next]);
});
