import { connect } from "amqplib";
import { printMachine } from "./measure.ts";

/** The machine, and what the figures besides depend on. */
export async function printSetting(amqpUrl: string): Promise<void> {
  printMachine();
  const connection = await connect(amqpUrl);
  const { product, version } = connection.connection.serverProperties;
  await connection.close();
  console.log(`${product} ${version}; client, servers and workers share the machine`);
}
