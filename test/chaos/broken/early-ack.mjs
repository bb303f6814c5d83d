/** A worker that acknowledges a job when it gets it: what it has in its hands dies with it. */
import { Channel } from "./library.mjs";

const { get, consume, ack, nack } = Channel.prototype;
/** Messages that are acknowledged already, and the queue of each. */
const settled = new WeakMap();

function settleNow(channel, queue, message) {
  if (!message || !queue.includes(".jobs.")) return;
  ack.call(channel, message);
  settled.set(message, queue);
}

Channel.prototype.get = async function early(queue, options) {
  const message = await get.call(this, queue, options);
  settleNow(this, queue, message);
  return message;
};
Channel.prototype.consume = function early(queue, callback, options) {
  const take = (message) => {
    settleNow(this, queue, message);
    callback(message);
  };
  return consume.call(this, queue, take, options);
};
Channel.prototype.ack = function once(message) {
  if (!settled.has(message)) ack.call(this, message);
};
Channel.prototype.nack = function once(message, allUpTo, requeue = true) {
  const queue = settled.get(message);
  if (queue === undefined) nack.call(this, message, allUpTo, requeue);
  // What is handed back in order is not lost: it is sent once more.
  else if (requeue) this.publish("", queue, message.content, message.properties);
};
