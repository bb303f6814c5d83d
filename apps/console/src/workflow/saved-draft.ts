import { type Draft, readWorkflow, workflowText } from "./workflow.ts";

const TEXT_KEY = "rabbitloom.workflow";
const NAME_KEY = "rabbitloom.workflow-name";

/** The workflow that was on the page before a reload. */
export function savedDraft(storage: Storage): Draft | undefined {
  try {
    const text = storage.getItem(TEXT_KEY);
    if (text === null) return undefined;
    return { name: storage.getItem(NAME_KEY) ?? "Workflow", workflow: readWorkflow(text) };
  } catch {
    return undefined;
  }
}

export function saveDraft(storage: Storage, draft: Draft | undefined): void {
  try {
    if (draft) {
      storage.setItem(TEXT_KEY, workflowText(draft.workflow));
      storage.setItem(NAME_KEY, draft.name);
    } else {
      storage.removeItem(TEXT_KEY);
    }
  } catch {
    // A full or forbidden storage: the draft does not outlive a reload.
  }
}
