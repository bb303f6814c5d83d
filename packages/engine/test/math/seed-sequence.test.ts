/** Against numpy 1.24: numpy.random.SeedSequence(entropy, spawn_key=..., pool_size=...).generate_state(n). */
import { expect, test } from "vitest";
import { seedSequence } from "../../src/math/seed-sequence.ts";

test("seeds are numpy's for every form of entropy", () => {
  expect([...seedSequence({ entropy: 0 }, 4)]).toEqual([
    2968811710, 3677149159, 745650761, 2884920346,
  ]);
  expect([...seedSequence({ entropy: 7, poolSize: 24 }, 3)]).toEqual([
    1376543887, 623213690, 436845524,
  ]);
  expect([...seedSequence({ entropy: 7, spawnKey: [5, 3], poolSize: 24 }, 4)]).toEqual([
    1167487741, 594211726, 3626736891, 2420502566,
  ]);
  const large = { entropy: 2n ** 40n + 5n, spawnKey: [0, 0], poolSize: 24 };
  expect([...seedSequence(large, 4)]).toEqual([1951524107, 3819168977, 1327949154, 4230818888]);
});
