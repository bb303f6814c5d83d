import type { Field } from "./fields.ts";
import { NumberField } from "./number-field.tsx";

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
          <NumberField
            attributes={{ ...common, title: limitsText(control) }}
            value={value}
            onChange={onChange}
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
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      ) : (
        <input
          {...common}
          type="text"
          value={String(value)}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      );
    case "image":
      return null;
  }
}

function limitsText({ min, max }: { min?: number; max?: number }): string {
  if (min === undefined && max === undefined) return "";
  return `${min ?? "…"} to ${max ?? "…"}`;
}

const randomSeed = () => Math.floor(Math.random() * Number.MAX_SAFE_INTEGER);
