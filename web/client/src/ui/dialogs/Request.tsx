// One question of a network as a dialog: text, choice, buttons, form, certificate; it must not know which network.
import { useSignal } from "@preact/signals";
import { command } from "../../app/store";
import { media, upload } from "../../net";
import type { Request, RequestField } from "../../wire/types";
import { errorText, w } from "../../words";
import { Dialog } from "../Dialog";
import { CheckField, choicesOf, Field, SelectField, TextField } from "../fields";
import { Problem } from "../front/Front";
import { accountLine } from "./Prompts";

type Values = Record<string, unknown>;

function OneField({ field, value, set }: { field: RequestField; value: unknown; set(value: unknown): void }) {
  const label = field.label || "";
  const name = `request-${field.id}`;
  const text = value === null || value === undefined ? "" : String(value);
  switch (field.type) {
    case "label":
      return <p class="field-label-only">{label}{text && <b> {text}</b>}</p>;
    case "image":
      return <figure class="field-image"><img src={media(field.image ?? text)} alt={label || w.picture} />{label && <figcaption>{label}</figcaption>}</figure>;
    case "bool":
    case "boolean":
      return <CheckField label={label} name={name} value={value === true} onInput={set} />;
    case "choice": {
      const choices = choicesOf(field.choices);
      return <SelectField label={label} name={name} value={text} choices={choices} onInput={set} />;
    }
    case "list": {
      const picked = new Set((Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]).map(String));
      return (
        <Field label={label} id={name}>
          <select id={name} multiple={field.multiple === true} size={Math.min(8, Math.max(3, field.choices?.length ?? 3))} data-testid={`field-${name}`} onChange={(event) => set([...event.currentTarget.selectedOptions].map((one) => one.value))}>
            {choicesOf(field.choices).map((one) => <option key={one.value} value={one.value} selected={picked.has(one.value)}>{one.label}</option>)}
          </select>
        </Field>
      );
    }
    case "file":
      return (
        <Field label={label} id={name}>
          <input id={name} type="file" data-testid={`field-${name}`} onChange={(event) => { const file = event.currentTarget.files?.[0]; if (file) void upload(file).then((done) => set(done.upload)); }} />
        </Field>
      );
    default:
      return (
        <>
          {field.image && <figure class="field-image"><img src={media(field.image)} alt={label || w.picture} /></figure>}
          <TextField label={field.required ? label : label} name={name} value={text} masked={field.masked} multiline={field.multiline} type={field.type === "int" ? "number" : "text"} onInput={(next) => set(field.type === "int" && /^-?\d+$/.test(next) ? Number(next) : next)} />
        </>
      );
  }
}

function Details({ details }: { details: unknown }) {
  if (details === null || details === undefined || details === "") return null;
  if (typeof details === "string") return <pre class="details">{details}</pre>;
  const entries: [string, unknown][] = Array.isArray(details)
    ? details.map((one, at): [string, unknown] => (one && typeof one === "object" && "label" in one ? [String((one as { label: unknown }).label), (one as { value?: unknown }).value] : [String(at + 1), one]))
    : Object.entries(details as object);
  return (
    <dl class="details" data-testid="details">
      {entries.map(([key, value]) => <div key={key}><dt>{key.replace(/_/g, " ")}</dt><dd class={/finger|sha|hash/i.test(key) ? "mono" : ""}>{typeof value === "object" ? JSON.stringify(value) : String(value)}</dd></div>)}
    </dl>
  );
}

export function RequestDialog({ request, onLater }: { request: Request; onLater(): void }) {
  const values = useSignal<Values>(Object.fromEntries((request.fields ?? []).filter((field) => field.type !== "label" && field.type !== "image").map((field) => [field.id, field.value ?? startOf(field)])));
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const answer = (button: string, all: boolean) => {
    if (busy.value) return;
    busy.value = true;
    command("request.answer", { request: request.id, button, values: all ? values.value : {} }).catch((cause: unknown) => {
      error.value = cause;
      busy.value = false;
    });
  };
  const buttons = request.buttons ?? [];
  const main = buttons.find((one) => one.default) ?? buttons.at(0);
  const missing = (request.fields ?? []).some((field) => field.required && String(values.value[field.id] ?? "") === "");
  const title = request.title || (request.kind === "certificate" ? w.request.certificate : request.primary) || w.request.answer;
  // The main one last, where the eye and the thumb expect it.
  const ordered = [...buttons].sort((a, b) => Number(a.id === main?.id) - Number(b.id === main?.id));
  return (
    <Dialog title={title} testid={`request-${request.kind}`} wide={(request.fields ?? []).length > 6} onClose={onLater} onSubmit={() => { if (main && !missing) answer(main.id, true); }}
      actions={
        <>
          <button type="button" class="quiet" onClick={onLater}>{w.later}</button>
          <span class="stretch" />
          {ordered.map((button) => (
            <button key={button.id} type={button.id === main?.id ? "submit" : "button"} class={button.id === main?.id ? "primary" : ""} disabled={busy.value || (button.id === main?.id && missing)} data-testid={`request-button-${button.id}`} onClick={button.id === main?.id ? undefined : () => answer(button.id, true)}>
              {button.label.replace(/_/g, "")}
            </button>
          ))}
        </>
      }>
      {accountLine(request.account) && <p class="lead small">{accountLine(request.account)}</p>}
      {request.primary && request.primary !== title && <p class="primary-text">{request.primary}</p>}
      {request.secondary && <p class="secondary-text">{request.secondary}</p>}
      {(request.fields ?? []).map((field) => <OneField key={field.id} field={field} value={values.value[field.id]} set={(value) => (values.value = { ...values.value, [field.id]: value })} />)}
      <Details details={request.details} />
      {error.value !== null && <Problem text={errorText(error.value)} />}
    </Dialog>
  );
}

function startOf(field: RequestField): unknown {
  if (field.type === "bool" || field.type === "boolean") return false;
  if (field.type === "choice") return choicesOf(field.choices)[0]?.value ?? "";
  if (field.type === "list") return [];
  return "";
}
