// Input boxes with label, error and description tied together; it must not validate.
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { w } from "../words";
import { Icon } from "./icons";
import type { Choice } from "../wire/types";

/** `label` may be empty where the text above says it all; `spoken` says it to those who cannot see that. */
interface Common { label: string; spoken?: string | undefined; name: string; error?: string | null | undefined; hint?: string | undefined; disabled?: boolean | undefined }

export function Field({ label, error, hint, id, children }: { label: string; error?: string | null | undefined; hint?: string | undefined; id: string; children: ComponentChildren }) {
  return (
    <div class={error ? "field bad" : "field"}>
      {label && <label for={id}>{label}</label>}
      {children}
      {error ? <p class="field-error" id={`${id}-note`}>{error}</p> : hint ? <p class="field-hint" id={`${id}-note`}>{hint}</p> : null}
    </div>
  );
}

export interface TextProps extends Common {
  value: string;
  onInput(value: string): void;
  onBlur?: () => void;
  type?: "text" | "number" | "search";
  masked?: boolean | undefined;
  multiline?: boolean | undefined;
  autofocus?: boolean | undefined;
  autocomplete?: string;
  placeholder?: string | undefined;
  inputmode?: "text" | "numeric" | "email";
  list?: string[];
}

export function TextField(props: TextProps) {
  const id = useId();
  const [seen, setSeen] = useState(false);
  const common = {
    id,
    dir: "auto" as const,
    value: props.value,
    disabled: props.disabled,
    // Not HTML's autofocus: a browser that is slow to draw would move the focus away from where its user writes by then.
    "data-first": props.autofocus || undefined,
    placeholder: props.placeholder,
    "aria-label": props.label ? undefined : props.spoken,
    "aria-invalid": props.error ? true : undefined,
    "aria-describedby": props.error || props.hint ? `${id}-note` : undefined,
    "data-testid": `field-${props.name}`,
    onBlur: props.onBlur,
    onInput: (event: Event) => props.onInput((event.currentTarget as HTMLInputElement).value),
  };
  return (
    <Field label={props.label} error={props.error} hint={props.hint} id={id}>
      {props.multiline ? (
        <textarea rows={4} {...common} />
      ) : (
        <span class={props.masked ? "box-row masked" : "box-row"}>
          <input
            {...common}
            type={(props.masked && !seen ? "password" : props.type === "search" ? "search" : "text") as "text"}
            inputMode={props.type === "number" ? "numeric" : props.inputmode}
            name={props.autocomplete ? props.name : undefined}
            autocomplete={props.autocomplete ?? "off"}
            autocapitalize="none"
            spellcheck={false}
            {...((props.list ? { list: `${id}-list` } : {}) as object)}
          />
          {props.masked && (
            <button type="button" class="tool inside" aria-label={seen ? w.front.hidePassword : w.front.showPassword} aria-pressed={seen} onClick={() => setSeen(!seen)}>
              <Icon name="eye" />
            </button>
          )}
          {props.list && <datalist id={`${id}-list`}>{props.list.map((one) => <option key={one} value={one} />)}</datalist>}
        </span>
      )}
    </Field>
  );
}

export function CheckField({ label, spoken, name, value, onInput, disabled }: Common & { value: boolean; onInput(value: boolean): void }) {
  return (
    <label class="check">
      <input type="checkbox" aria-label={label ? undefined : spoken} checked={value} disabled={disabled} data-testid={`field-${name}`} onInput={(event) => onInput(event.currentTarget.checked)} />
      <span>{label}</span>
    </label>
  );
}

export function choicesOf(choices: readonly (Choice | string)[] | null | undefined): Choice[] {
  return (choices ?? []).map((one) => (typeof one === "string" ? { value: one, label: one } : one));
}

export function SelectField({ label, spoken, name, value, choices, onInput, error, disabled }: Common & { value: string; choices: readonly Choice[]; onInput(value: string): void }) {
  const id = useId();
  return (
    <Field label={label} error={error} id={id}>
      <select id={id} aria-label={label ? undefined : spoken} value={value} disabled={disabled} data-testid={`field-${name}`} onChange={(event) => onInput(event.currentTarget.value)}>
        {choices.map((one) => <option key={one.value} value={one.value}>{one.label}</option>)}
      </select>
    </Field>
  );
}
