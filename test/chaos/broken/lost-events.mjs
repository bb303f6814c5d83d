/** A worker that loses one of ten messages of events, but never one with a job's end. */
import { ConfirmChannel } from "./library.mjs";

const { publish } = ConfirmChannel.prototype;
let count = 0;

ConfirmChannel.prototype.publish = function lossy(exchange, key, body, properties, confirm) {
  const isLost = exchange.endsWith(".events") && !body.includes('"job-end"') && ++count % 10 === 0;
  if (!isLost) return publish.call(this, exchange, key, body, properties, confirm);
  setImmediate(confirm, null);
  return true;
};
