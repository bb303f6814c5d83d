import { cpus, freemem, totalmem } from "node:os";
import type { Device } from "@rabbitloom/protocol";

/** The device as `/system_stats` shows it. Of accelerators only the name is known here: their memory counts as 0. */
export function describeDevice(device: string): Device {
  const [type = "cpu", index] = device.split(":");
  if (type === "cpu") {
    return {
      name: cpus()[0]?.model ?? "cpu",
      type,
      totalMemoryBytes: totalmem(),
      freeMemoryBytes: freemem(),
    };
  }
  return {
    name: device,
    type,
    index: Number(index ?? 0),
    totalMemoryBytes: 0,
    freeMemoryBytes: 0,
  };
}
