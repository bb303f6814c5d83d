import type { JobEndEvent, JobEvent } from "@rabbitloom/protocol";

const envelope = (seq: number, attempt: number) =>
  ({ v: 1, jobId: "job-1", attempt, seq, at: "2026-01-02T03:04:05.000Z" }) as const;

export function start(seq = 1, attempt = 1): JobEvent {
  return { ...envelope(seq, attempt), type: "job-start", workerId: "w1", nodeCount: 2 };
}

export function progress(seq: number, attempt = 1): JobEvent {
  return { ...envelope(seq, attempt), type: "node-progress", nodeId: "3", value: seq, max: 100 };
}

export function preview(seq: number, image = new Uint8Array([255, 216, 0, 10, 13])): JobEvent {
  return {
    ...envelope(seq, 1),
    type: "node-preview",
    nodeId: "3",
    contentType: "image/jpeg",
    width: 8,
    height: 4,
    image,
  };
}

export function snapshot(seq: number, attempt = 1): JobEvent {
  const nodes = { "3": { state: "running", value: 1, max: 2 } } as const;
  return { ...envelope(seq, attempt), type: "job-snapshot", state: "running", nodes, outputs: {} };
}

export function gap(from: number, to: number, attempt = 1): JobEvent {
  return { ...envelope(to, attempt), type: "job-gap", from, to };
}

export function end(
  seq: number,
  state: JobEndEvent["state"] = "succeeded",
  attempt = 1,
): JobEndEvent {
  const file = { filename: "a.png", subfolder: "", type: "output" };
  return {
    ...envelope(seq, attempt),
    type: "job-end",
    state,
    outputs: { "9": { images: [file] } },
  };
}
