import type { Client, JobOutput } from "@rabbitloom/client";
import type { Outputs } from "@rabbitloom/protocol";

export interface JobOutputsProps {
  readonly client: Client;
  readonly outputs: Outputs;
  readonly titleOf: (nodeId: string) => string;
}

/** What the job made so far: pictures as pictures, other files as links, texts as text. */
export function JobOutputs({ client, outputs, titleOf }: JobOutputsProps) {
  const files = client.outputs({ outputs });
  const texts = Object.entries(outputs).flatMap(([id, { text }]) =>
    Array.isArray(text) ? text.map((line) => ({ id, line: String(line) })) : [],
  );
  if (files.length === 0 && texts.length === 0) return null;
  return (
    <div class="outputs">
      {files.map((output) => (
        <OutputFile key={output.url} output={output} title={titleOf(output.nodeId)} />
      ))}
      {texts.map(({ id, line }, index) => (
        <pre key={`${id} ${index}`}>{line}</pre>
      ))}
    </div>
  );
}

function OutputFile({ output, title }: { readonly output: JobOutput; readonly title: string }) {
  const { filename } = output.file;
  const isPicture = /\.(png|jpe?g|webp|gif|avif)$/i.test(filename);
  return (
    <a class="output" href={output.url} target="_blank" rel="noreferrer">
      {isPicture && <img src={output.url} alt={`Result of ${title}`} loading="lazy" />}
      <span>{filename}</span>
    </a>
  );
}
