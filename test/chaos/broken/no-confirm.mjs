/** A gateway that says that a job is accepted when it has sent it, whatever the broker makes of it. */
import { ConfirmChannel } from "./library.mjs";

const { publish } = ConfirmChannel.prototype;

ConfirmChannel.prototype.publish = function unconfirmed(exchange, key, body, properties, confirm) {
  const isFlushed = publish.call(this, exchange, key, body, properties, () => {});
  setImmediate(confirm, null);
  return isFlushed;
};
