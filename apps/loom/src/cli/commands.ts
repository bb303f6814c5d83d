import { bench } from "../commands/bench.ts";
import { chaos } from "../commands/chaos.ts";
import { dead } from "../commands/dead.ts";
import { down } from "../commands/down.ts";
import { keys } from "../commands/keys.ts";
import { logs } from "../commands/logs.ts";
import { run } from "../commands/run.ts";
import { status } from "../commands/status.ts";
import { submit } from "../commands/submit.ts";
import { supervise } from "../commands/supervise.ts";
import { test } from "../commands/test.ts";
import { up } from "../commands/up.ts";
import { workers } from "../commands/workers.ts";
import type { Command } from "./command.ts";

/** The verbs of `./loom`, as its overview lists them. */
export const commands: readonly Command[] = [
  up,
  status,
  down,
  logs,
  workers,
  keys,
  submit,
  run,
  dead,
  bench,
  chaos,
  test,
  supervise,
];
