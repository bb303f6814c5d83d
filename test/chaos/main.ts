/** `./loom chaos`: a long run. Arguments: minutes, jobs, seed, nodes of RabbitMQ. */

import { printReport } from "./report.ts";
import { runChaos } from "./run-chaos.ts";

const [minutes = "5", jobs = "1000000", seed = "1", nodes = "1"] = process.argv.slice(2);
const print = (line: string) => console.log(line);
const report = await runChaos({
  seed: Number(seed),
  jobs: Number(jobs),
  minutes: Number(minutes),
  rabbitmqNodes: Number(nodes),
  keepsLogs: true,
  print: (line) => print(`${new Date().toISOString().slice(11, 19)} ${line}`),
});
printReport(report, print);
process.exitCode = report.violations.length === 0 ? 0 : 1;
