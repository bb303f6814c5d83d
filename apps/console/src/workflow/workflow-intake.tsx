import { useEffect, useId, useState } from "preact/hooks";
import { examples } from "./examples.ts";
import { type Draft, readWorkflow } from "./workflow.ts";

export interface WorkflowIntakeProps {
  /** A workflow is there already: only a line is shown. */
  readonly isCompact: boolean;
  readonly onWorkflow: (draft: Draft) => void;
}

/** Takes a workflow in: dropped anywhere on the page, pasted, chosen as a file, or an example. */
export function WorkflowIntake({ isCompact, onWorkflow }: WorkflowIntakeProps) {
  const [problem, setProblem] = useState<string>();

  const take = (text: string, name: string) => {
    try {
      onWorkflow({ name, workflow: readWorkflow(text) });
      setProblem(undefined);
    } catch (cause) {
      setProblem(cause instanceof Error ? cause.message : String(cause));
    }
  };
  const takeFile = async (file: File) => take(await file.text(), file.name.replace(/\.json$/i, ""));

  const isOver = usePageDrop((file) => void takeFile(file));
  usePagePaste((text) => take(text, "Pasted workflow"));

  return (
    <div class={`intake ${isCompact ? "compact" : ""} ${isOver ? "over" : ""}`}>
      <p>
        Drop a workflow anywhere, paste it, or{" "}
        <FileButton label="choose a file" accept=".json,application/json" onFile={takeFile} />.
      </p>
      {!isCompact && (
        <>
          <p class="hint">
            ComfyUI's API form, or as the editor saves it. To begin with, take an example:
          </p>
          <div class="examples">
            {examples.map(({ name, prompt }) => (
              <button type="button" key={name} onClick={() => take(JSON.stringify(prompt), name)}>
                {name}
              </button>
            ))}
          </div>
        </>
      )}
      {problem !== undefined && (
        <p class="complaint" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}

export interface FileButtonProps {
  readonly label: string;
  readonly accept: string;
  readonly onFile: (file: File) => unknown;
}

/** A file input that looks like text and takes the focus as a button does. */
export function FileButton({ label, accept, onFile }: FileButtonProps) {
  const id = useId();
  return (
    <>
      <input
        id={id}
        type="file"
        class="file-input"
        accept={accept}
        onChange={({ currentTarget }) => {
          const [file] = currentTarget.files ?? [];
          if (file) onFile(file);
          currentTarget.value = "";
        }}
      />
      <label for={id} class="file-label">
        {label}
      </label>
    </>
  );
}

/** True while something is dragged over the page. Fields that take files themselves stop the event. */
function usePageDrop(onFile: (file: File) => void): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const onDragOver = (event: DragEvent) => {
      event.preventDefault();
      setOver(true);
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      const file = event.dataTransfer?.files[0];
      if (file) onFile(file);
    };
    addEventListener("dragover", onDragOver);
    addEventListener("dragleave", onLeave);
    addEventListener("drop", onDrop);
    return () => {
      removeEventListener("dragover", onDragOver);
      removeEventListener("dragleave", onLeave);
      removeEventListener("drop", onDrop);
    };
  });
  return isOver;
}

/** Text that is pasted where no field takes it. */
function usePagePaste(onText: (text: string) => void) {
  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      const { target } = event;
      if (target instanceof HTMLElement && target.closest("input, textarea, select")) return;
      const text = event.clipboardData?.getData("text/plain") ?? "";
      if (text !== "") onText(text);
    };
    addEventListener("paste", onPaste);
    return () => removeEventListener("paste", onPaste);
  });
}
