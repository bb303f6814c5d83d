import { useState } from "preact/hooks";
import type { Session } from "./session.ts";

export interface KeyFormProps {
  readonly session: Session;
  readonly onOpen: () => void;
}

/** Asks for a key where the gateway wants one. The key itself is not kept by the page. */
export function KeyForm({ session, onOpen }: KeyFormProps) {
  const [key, setKey] = useState("");
  const [complaint, setComplaint] = useState<string>();
  const [isSending, setSending] = useState(false);

  const send = async () => {
    setSending(true);
    const wrong = await session.open(key.trim());
    setSending(false);
    setComplaint(wrong);
    if (wrong === undefined) onOpen();
  };

  return (
    <form
      class="key-form"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <label for="key">This fleet asks for a key</label>
      <input
        id="key"
        type="password"
        autocomplete="current-password"
        required
        value={key}
        aria-invalid={complaint !== undefined}
        aria-describedby="key-complaint"
        onInput={({ currentTarget }) => setKey(currentTarget.value)}
      />
      <p id="key-complaint" class="complaint" role="alert">
        {complaint}
      </p>
      <button type="submit" class="primary" disabled={isSending}>
        Enter
      </button>
      <p class="hint">
        Whoever runs the fleet makes one with <code>./loom keys create</code>.
      </p>
    </form>
  );
}
