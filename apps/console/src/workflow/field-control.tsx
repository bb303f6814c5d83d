import type { Field } from "./fields.ts";

export interface FieldControlProps {
  readonly id: string;
  readonly isWrong: boolean;
  readonly describedBy?: string;
  readonly field: Field;
  readonly onChange: (value: unknown, isFloat?: boolean) => void;
}

/** The control for one value that is not a picture. */
export function FieldControl({ id, isWrong, describedBy, field, onChange }: FieldControlProps) {
  const { name, value, control } = field;
  const common = {
    id,
    "aria-invalid": isWrong,
    ...(describedBy !== undefined && { "aria-describedby": describedBy }),
  };
  switch (control.kind) {
    case "switch":
      return (
        <input
          {...common}
          type="checkbox"
          checked={value === true}
          onChange={({ currentTarget }) => onChange(currentTarget.checked)}
        />
      );
    case "choice":
      return (
        <select
          {...common}
          value={String(value)}
          onChange={({ currentTarget }) => onChange(currentTarget.value)}
        >
          {[...new Set([String(value), ...control.choices])].map((choice) => (
            <option key={choice}>{choice}</option>
          ))}
        </select>
      );
    case "number":
      return (
        <span class="number-control">
          {/* Text, because a number input cannot hold 64 bits; the gateway checks the limits. */}
          <input
            {...common}
            type="text"
            inputMode="decimal"
            title={limitsText(control)}
            value={String(value)}
            onChange={({ currentTarget: { value: text } }) =>
              onChange(numberOf(text), /[.eE]/.test(text))
            }
          />
          {/seed$/.test(name) && (
            <button type="button" class="quiet" onClick={() => onChange(randomSeed())}>
              Random
            </button>
          )}
        </span>
      );
    case "text":
      return control.isLong ? (
        <textarea
          {...common}
          rows={3}
          value={String(value)}
          onChange={({ currentTarget }) => onChange(currentTarget.value)}
        />
      ) : (
        <input
          {...common}
          type="text"
          value={String(value)}
          onChange={({ currentTarget }) => onChange(currentTarget.value)}
        />
      );
    case "image":
      return null;
  }
}

/** A text that is no number goes as it is, so that the gateway can say what is wrong with it. */
function numberOf(text: string): unknown {
  const trimmed = text.trim();
  if (/^-?\d+$/.test(trimmed)) {
    const whole = Number(trimmed);
    return Number.isSafeInteger(whole) ? whole : BigInt(trimmed);
  }
  const value = Number(trimmed);
  return trimmed !== "" && Number.isFinite(value) ? value : text;
}

function limitsText({ min, max }: { min?: number; max?: number }): string | undefined {
  if (min === undefined && max === undefined) return undefined;
  return `${min ?? "…"} to ${max ?? "…"}`;
}

const randomSeed = () => Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
