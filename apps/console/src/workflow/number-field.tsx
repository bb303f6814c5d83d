import { useState } from "preact/hooks";

export interface NumberFieldProps {
  readonly attributes: {
    readonly id: string;
    readonly title: string;
    readonly "aria-invalid": boolean;
    readonly "aria-describedby"?: string;
  };
  readonly value: unknown;
  readonly onChange: (value: unknown, isFloat: boolean) => void;
}

/**
 * A number as text, since a number input cannot hold 64 bits; the gateway checks the limits. What is being typed stands as
 * it is, even where it is no number yet: numbers are passed on at once, anything else when the field is left.
 */
export function NumberField({ attributes, value, onChange }: NumberFieldProps) {
  const [typed, setTyped] = useState<string>();
  const pass = (text: string) => onChange(numberOf(text), /[.eE]/.test(text));
  return (
    <input
      {...attributes}
      type="text"
      inputMode="decimal"
      value={typed ?? String(value)}
      onInput={({ currentTarget }) => {
        setTyped(currentTarget.value);
        if (typeof numberOf(currentTarget.value) !== "string") pass(currentTarget.value);
      }}
      onBlur={() => {
        if (typed === undefined) return;
        setTyped(undefined);
        pass(typed);
      }}
    />
  );
}

/** A text that is no number stays one, so that the gateway can say what is wrong with it. */
function numberOf(text: string): number | bigint | string {
  const trimmed = text.trim();
  if (/^-?\d+$/.test(trimmed)) {
    const whole = Number(trimmed);
    return Number.isSafeInteger(whole) ? whole : BigInt(trimmed);
  }
  const value = Number(trimmed);
  return trimmed !== "" && Number.isFinite(value) ? value : text;
}
