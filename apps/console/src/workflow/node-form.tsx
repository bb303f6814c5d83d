import type { Client } from "@rabbitloom/client";
import type { NodeErrorReason } from "@rabbitloom/protocol";
import { useId } from "preact/hooks";
import { FieldControl } from "./field-control.tsx";
import type { Field, NodeForm } from "./fields.ts";
import { ImageField } from "./image-field.tsx";
import { sentenceOf } from "./submit-error.tsx";

export interface NodeFormProps {
  readonly client: Client;
  readonly form: NodeForm;
  readonly complaints: readonly NodeErrorReason[];
  readonly onChange: (name: string, value: unknown, isFloat?: boolean) => void;
}

/** One node's values, and what the gateway said against them. */
export function NodeFormView({ client, form, complaints, onChange }: NodeFormProps) {
  const { id, title, classType, fields } = form;
  const ofField = (name: string) =>
    complaints.filter(({ extra_info }) => extra_info.input_name === name);
  const others = complaints.filter(
    ({ extra_info }) => !fields.some(({ name }) => name === extra_info.input_name),
  );
  return (
    <fieldset class={`node ${complaints.length > 0 ? "wrong" : ""}`} data-node={id}>
      <legend>
        <span class="node-title">{title}</span>{" "}
        <span class="node-kind">
          {title === classType ? "" : `${classType} `}#{id}
        </span>
      </legend>
      {fields.map((field) => (
        <FieldRow
          key={field.name}
          client={client}
          field={field}
          complaints={ofField(field.name)}
          onChange={(value, isFloat) => onChange(field.name, value, isFloat)}
        />
      ))}
      <Complaints reasons={others} />
    </fieldset>
  );
}

interface FieldRowProps {
  readonly client: Client;
  readonly field: Field;
  readonly complaints: readonly NodeErrorReason[];
  readonly onChange: (value: unknown, isFloat?: boolean) => void;
}

function FieldRow({ client, field, complaints, onChange }: FieldRowProps) {
  const id = useId();
  const complaintId = `${id}-complaint`;
  const isWrong = complaints.length > 0;
  const described = { id, isWrong, ...(isWrong && { describedBy: complaintId }) };
  return (
    <div class={`field ${field.control.kind} ${isLong(field) ? "long" : ""}`}>
      <label for={id}>{field.name.replaceAll("_", " ")}</label>
      {field.control.kind === "image" ? (
        <ImageField
          {...described}
          client={client}
          value={field.value}
          choices={field.control.choices}
          onChange={onChange}
        />
      ) : (
        <FieldControl {...described} field={field} onChange={onChange} />
      )}
      <Complaints id={complaintId} reasons={complaints} />
    </div>
  );
}

const isLong = ({ control }: Field) => control.kind === "text" && control.isLong;

function Complaints({ id, reasons }: { id?: string; reasons: readonly NodeErrorReason[] }) {
  if (reasons.length === 0) return null;
  return (
    <ul class="complaints" {...(id !== undefined && { id })}>
      {reasons.map((reason) => (
        <li key={`${reason.type} ${reason.details}`} class="complaint">
          {sentenceOf(reason)}
        </li>
      ))}
    </ul>
  );
}
