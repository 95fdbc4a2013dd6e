// One question of a network, as a card or a dialog: text, choice, buttons, form, certificate; it must not know which network.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { madeSoFar, madeWith } from "../../app/making";
import { choose, titleOf } from "../../app/prompts";
import { command } from "../../app/store";
import { media } from "../../net";
import type { Certificate, Request, RequestField } from "../../wire/types";
import { errorText, w } from "../../words";
import { Dialog } from "../Dialog";
import { CheckField, choicesOf, SelectField, TextField } from "../fields";
import { Problem } from "../front/problem";
import { accountLine, Card, Mark } from "./Card";
import { useReady } from "./ready";

type Values = Record<string, unknown>;

function OneField({ field, value, spoken, set }: { field: RequestField; value: unknown; spoken: string; set(value: unknown): void }) {
  const label = field.label || "";
  const name = `request-${field.id}`;
  const text = value === null || value === undefined ? "" : String(value);
  switch (field.type) {
    case "label":
      return text ? <p class="field-label-only">{label} <b>{text}</b></p> : <p class="field-heading">{label}</p>;
    case "image":
      return <figure class="field-image"><img src={media(field.image ?? text)} alt={label || w.picture} />{label && <figcaption>{label}</figcaption>}</figure>;
    case "bool":
      return <CheckField label={label} spoken={spoken} name={name} value={value === true} onInput={set} />;
    case "account":
    case "choice": {
      const choices = choicesOf(field.choices);
      return <SelectField label={label} spoken={spoken} name={name} value={text} choices={choices} onInput={set} />;
    }
    case "list": {
      const picked = new Set((Array.isArray(value) ? value : []).map(String));
      const turn = (one: string, on: boolean) => {
        if (on) picked.add(one);
        else picked.delete(one);
        set([...picked]);
      };
      return (
        <fieldset class="checks" aria-label={label ? undefined : spoken} data-testid={`field-${name}`}>
          {label && <legend>{label}</legend>}
          {choicesOf(field.choices).map((one) => <CheckField key={one.value} label={one.label} name={`${name}-${one.value}`} value={picked.has(one.value)} onInput={(on) => turn(one.value, on)} />)}
        </fieldset>
      );
    }
    default:
      return (
        <>
          {field.image && <figure class="field-image"><img src={media(field.image)} alt={label || w.picture} /></figure>}
          <TextField label={label} spoken={spoken} name={name} value={text} masked={field.masked} multiline={field.multiline} type={field.type === "int" ? "number" : "text"} onInput={(next) => set(field.type === "int" && /^-?\d+$/.test(next) ? Number(next) : next)} />
        </>
      );
  }
}

const day = (time: string | null | undefined): string => (time ? new Date(time).toLocaleDateString() : "?");

function Details({ details }: { details: Certificate | null | undefined }) {
  if (!details) return null;
  const rows: [string, string, boolean][] = [
    [w.request.host, details.host, false],
    [w.request.names, (details.names ?? []).join(", "), false],
    [w.request.issuer, details.issuer, false],
    [w.request.subject, details.subject, false],
    [w.request.valid, details.not_before || details.not_after ? w.request.from_to(day(details.not_before), day(details.not_after)) : "", false],
    [w.request.fingerprint, details.fingerprint, true],
  ];
  return (
    <>
      {details.reason && <Problem text={w.request.reasons[details.reason] ?? details.reason} />}
      <dl class="details" data-testid="certificate-details">
        {rows.filter(([, value]) => value).map(([label, value, mono]) => <div key={label}><dt>{label}</dt><dd class={mono ? "mono" : ""}>{value}</dd></div>)}
      </dl>
    </>
  );
}

/** Answering: which button is the main one, and what became of it. */
function useAnswer(request: Request) {
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const answer = (button: string, values: Values) => {
    if (busy.value) return;
    busy.value = true;
    command("request.answer", { request: request.id, button, values }).catch((cause: unknown) => {
      error.value = cause;
      busy.value = false;
    });
  };
  const buttons = request.buttons ?? [];
  // Trusting a stranger's certificate is never what stands out.
  const main = buttons.find((one) => one.default) ?? (request.kind === "certificate" ? buttons.at(-1) : buttons.at(0));
  // The main one last, where the eye and the thumb expect it.
  const ordered = [...buttons].sort((a, b) => Number(a.id === main?.id) - Number(b.id === main?.id));
  return { busy, error, answer, main, ordered };
}

const titled = (request: Request): string => titleOf({ key: "", kind: "request", of: request });

export function RequestCard({ id, request, at }: { id: string; request: Request; at: number }) {
  const { busy, error, answer, main, ordered } = useAnswer(request);
  // What has to be filled in or read through has a dialog of its own.
  const form = (request.fields ?? []).length > 0 || request.kind === "certificate";
  return (
    <Card id={id} testid={`request-${request.kind}`} title={titled(request)} account={request.account} at={at} answered={busy} mark={<Mark name="help" />}
      actions={form
        ? <button type="button" class="primary" onClick={() => choose(id)} data-testid="prompt-open">{w.request.open}</button>
        : ordered.map((button) => <button key={button.id} type="button" class={button.id === main?.id ? "primary" : ""} disabled={busy.value} data-testid={`request-button-${button.id}`} onClick={() => answer(button.id, {})}>{button.label}</button>)}>
      <Texts request={request} />
      {error.value !== null && <Problem text={errorText(error.value)} />}
    </Card>
  );
}

function Texts({ request }: { request: Request }) {
  return (
    <>
      {request.primary && request.primary !== titled(request) && <p dir="auto" class="primary-text">{request.primary}</p>}
      {request.secondary && <p class="secondary-text">{request.secondary}</p>}
    </>
  );
}

export function RequestDialog({ request, onLater }: { request: Request; onLater(): void }) {
  const values = useSignal<Values>(Object.fromEntries((request.fields ?? []).filter((field) => field.type !== "label" && field.type !== "image").map((field) => [field.id, (field.value === "" ? undefined : field.value) ?? madeSoFar(request.account, field.id) ?? startOf(field)])));
  const { busy, error, answer, main, ordered } = useAnswer(request);
  const ready = useReady();
  const putOff = useRef(false);
  const later = () => {
    putOff.current = true;
    onLater();
  };
  const send = (button: string) => {
    if (busy.value) return;
    madeWith(request.account, values.value);
    answer(button, values.value);
  };
  const missing = (request.fields ?? []).some((field) => field.required && String(values.value[field.id] ?? "") === "");
  return (
    <Dialog title={titled(request)} testid={`request-${request.kind}`} wide={(request.fields ?? []).length > 6} onClose={later} ready={ready} answered={() => busy.value || putOff.current}
      onSubmit={() => { if (main && !missing) send(main.id); }}
      actions={
        <>
          <button type="button" class="quiet" onClick={later}>{w.later}</button>
          <span class="stretch" />
          {ordered.map((button) => (
            <button key={button.id} type={button.id === main?.id ? "submit" : "button"} class={button.id === main?.id ? "primary" : ""} disabled={busy.value || (button.id === main?.id && missing)} data-testid={`request-button-${button.id}`} onClick={button.id === main?.id ? undefined : () => send(button.id)}>
              {button.label}
            </button>
          ))}
        </>
      }>
      {accountLine(request.account) && <p class="lead small">{accountLine(request.account)}</p>}
      <Texts request={request} />
      {(request.fields ?? []).map((field) => <OneField key={field.id} field={field} spoken={request.primary || titled(request)} value={values.value[field.id]} set={(value) => (values.value = { ...values.value, [field.id]: value })} />)}
      <Details details={request.details} />
      {error.value !== null && <Problem text={errorText(error.value)} />}
    </Dialog>
  );
}

function startOf(field: RequestField): unknown {
  if (field.type === "bool") return false;
  if (field.type === "choice" || field.type === "account") return choicesOf(field.choices)[0]?.value ?? "";
  if (field.type === "list") return [];
  return "";
}
