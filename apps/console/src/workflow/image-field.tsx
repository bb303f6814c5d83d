import type { Client } from "@rabbitloom/client";
import { CodedError } from "@rabbitloom/protocol";
import { useState } from "preact/hooks";
import { FileButton } from "./workflow-intake.tsx";

export interface ImageFieldProps {
  readonly id: string;
  readonly isWrong: boolean;
  readonly describedBy?: string;
  readonly client: Client;
  readonly value: unknown;
  /** Files that the fleet has already. */
  readonly choices: readonly string[];
  readonly onChange: (value: string) => void;
}

/** A picture of the input folder: one that is there, or one that is sent now by choosing or dropping it. */
export function ImageField(props: ImageFieldProps) {
  const { id, isWrong, describedBy, client, value, choices, onChange } = props;
  const [sending, setSending] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const name = typeof value === "string" ? value : "";

  const send = async (file: File) => {
    setSending(file.name);
    setProblem(undefined);
    try {
      const uploaded = await client.upload(file);
      onChange(uploaded.value);
    } catch (cause) {
      setProblem(CodedError.from(cause).message);
    } finally {
      setSending(undefined);
    }
  };

  return (
    <fieldset
      class="image-field"
      aria-label="Picture: choose one, or drop a file here"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        const file = event.dataTransfer?.files[0];
        if (file) void send(file);
      }}
    >
      {name === "" ? (
        <div class="thumbnail none" aria-hidden="true" />
      ) : (
        <img class="thumbnail" src={inputUrl(client, name)} alt={name} key={name} />
      )}
      <div class="image-choice">
        <select
          id={id}
          value={name}
          aria-invalid={isWrong}
          {...(describedBy !== undefined && { "aria-describedby": describedBy })}
          onChange={({ currentTarget }) => onChange(currentTarget.value)}
        >
          {[...new Set([name, ...choices])].map((choice) => (
            <option key={choice} value={choice}>
              {choice === "" ? "none yet" : choice}
            </option>
          ))}
        </select>
        {sending === undefined ? (
          <FileButton label="Upload a picture" accept="image/*" onFile={send} />
        ) : (
          <span role="status">Sending {sending}…</span>
        )}
        {problem !== undefined && (
          <p class="complaint" role="alert">
            {problem}
          </p>
        )}
      </div>
    </fieldset>
  );
}

/** A name may carry its subfolder and, in brackets, another folder than input. */
function inputUrl(client: Client, value: string): string {
  const [, path = value, type = "input"] = /^(.*?)(?: \[(input|output|temp)\])?$/.exec(value) ?? [];
  const slash = path.lastIndexOf("/");
  const file = {
    filename: path.slice(slash + 1),
    subfolder: path.slice(0, Math.max(0, slash)),
    type,
  };
  return client.outputs({ outputs: { input: { images: [file] } } })[0]?.url ?? "";
}
