// The boxes that describe an IM account, built from the protocol's own data; the front page and the account dialogs share it.
import { useState } from "preact/hooks";
import { defaultParts, dealOut, isMainSplit, splitName, type Parts } from "../../state/address";
import { besidePort, changed, isPlain } from "../../state/ports";
import type { Account, Protocol, ProtocolOption } from "../../wire/types";
import { accountErrorText, w } from "../../words";
import { CheckField, choicesOf, SelectField, TextField } from "../fields";
import { Icon } from "../icons";

export interface AccountValues {
  name: Parts;
  password: string;
  options: Record<string, string | boolean>;
}

export interface AccountFormState {
  values: AccountValues;
  /** What the options were when the form was opened. */
  start: AccountValues["options"];
  errors: Record<string, string>;
  set(change: Partial<AccountValues>): void;
  fail(field: string, text: string): void;
  /** True when it can be sent; else the errors are shown. */
  check(): boolean;
}

type Existing = Pick<Account, "username" | "options" | "error">;

/** Networks whose accounts have a password, though a form without one is sent: the network asks for it then. */
const ASKS: ReadonlySet<string> = new Set(["prpl-jabber"]);

/** Errors of an account that are about one of its boxes: they stand there, and nowhere else. */
const BOXES: Readonly<Record<string, string>> = { wrong_password: "password", nick_in_use: "user", wrong_username: "user" };

export const isAtBox = (account: Pick<Account, "error"> | undefined): boolean => BOXES[account?.error?.code ?? ""] !== undefined;

function startErrors(existing?: Existing): Record<string, string> {
  const box = BOXES[existing?.error?.code ?? ""];
  return box ? { [box]: accountErrorText(existing?.error) } : {};
}

/** The box to begin in. */
export const firstBox = (account: Pick<Account, "error"> | undefined): "user" | "password" => (BOXES[account?.error?.code ?? ""] === "password" ? "password" : "user");

function startValues(protocol: Protocol, existing?: Existing): AccountValues {
  const options: Record<string, string | boolean> = {};
  const username = existing?.username;
  for (const option of protocol.options) {
    // What an account has in a masked box is not told.
    const value = existing?.options?.[option.key] ?? (existing && option.masked ? "" : option.default);
    options[option.key] = option.type === "bool" ? value === true : String(value ?? "");
  }
  return { name: username === undefined ? defaultParts(protocol) : splitName(protocol, username), password: "", options };
}

export function useAccountForm(protocol: Protocol, existing?: Existing): AccountFormState {
  const [values, setValues] = useState(() => startValues(protocol, existing));
  const [start] = useState(values.options);
  const [errors, setErrors] = useState<Record<string, string>>(() => startErrors(existing));
  const set = (change: Partial<AccountValues>) => {
    setValues((old) => ({ ...old, ...change }));
    setErrors({});
  };
  const check = () => {
    const found: Record<string, string> = {};
    if (values.name.user.trim() === "") found["user"] = w.front.required;
    protocol.username.splits.forEach((split, at) => {
      if (isMainSplit(split, at) && (values.name.parts[at] ?? "").trim() === "") found[`part-${at}`] = w.front.required;
    });
    if (!existing && protocol.password === "required" && values.password === "") found["password"] = w.front.required;
    for (const option of protocol.options) {
      const value = values.options[option.key];
      if (option.type === "int" && typeof value === "string" && !/^-?\d+$/.test(value.trim())) found[`option-${option.key}`] = w.front.notNumber;
    }
    setErrors(found);
    return Object.keys(found).length === 0;
  };
  return { values, start, errors, set, check, fail: (field, text) => setErrors({ [field]: text }) };
}

/** Only what was changed is sent; the account has the rest as the form shows it. */
export function changedOptions(protocol: Protocol, form: AccountFormState): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const option of protocol.options) {
    const value = form.values.options[option.key];
    if (value === undefined || value === form.start[option.key]) continue;
    out[option.key] = option.type === "int" && typeof value === "string" ? Number.parseInt(value, 10) : value;
  }
  return { ...besidePort(protocol.id, out, form.values.options), ...out };
}

export function wireName(protocol: Protocol, values: AccountValues): { splits: { user: string; parts: string[] } } | { username: string } {
  const user = values.name.user.trim();
  if (protocol.username.splits.length === 0) return { username: user };
  return { splits: { user, parts: protocol.username.splits.map((_, at) => (values.name.parts[at] ?? "").trim()) } };
}

/** The daemon's `field` of an error, as the name of a box of this form. */
export function boxOf(protocol: Protocol, field: string | null): string | null {
  if (!field) return null;
  const last = field.split(".").at(-1) ?? field;
  if (last === "username" || last === "user" || last === "splits") return "user";
  if (last === "password") return "password";
  return protocol.options.some((option) => option.key === last) ? `option-${last}` : null;
}

function OptionField({ protocol, option, form, existing }: { protocol: string; option: ProtocolOption; form: AccountFormState; existing?: boolean | undefined }) {
  const value = form.values.options[option.key];
  const name = `option-${option.key}`;
  const label = option.label.replace(/:\s*$/, "");
  const set = (next: string | boolean) => form.set({ options: changed(protocol, form.values.options, option.key, next) });
  if (option.type === "bool") return <CheckField label={label} name={name} value={value === true} onInput={set} />;
  const text = typeof value === "string" ? value : "";
  if (option.type === "choice") return <SelectField label={label} name={name} value={text} choices={choicesOf(option.choices)} onInput={set} />;
  return <TextField label={label} name={name} value={text} error={form.errors[name]} masked={option.masked} type={option.type === "int" ? "number" : "text"} placeholder={existing && option.masked ? w.accounts.keepPassword : undefined} onInput={set} />;
}

export function AccountFields({ protocol, form, existing, autofocus }: { protocol: Protocol; form: AccountFormState; existing?: boolean; autofocus?: "user" | "password" | undefined }) {
  const [more, setMore] = useState(false);
  const { name } = form.values;
  const { splits } = protocol.username;
  const open = more || protocol.options.some((option) => form.errors[`option-${option.key}`]);
  const main = splits[0] && isMainSplit(splits[0], 0) ? splits[0] : null;
  const optional = protocol.password === "optional" && !ASKS.has(protocol.id);
  const plain = isPlain(protocol.id, form.values.options);
  const deal = () => form.set({ name: dealOut(name.user, splits, name.parts) });
  const part = (at: number, value: string) => form.set({ name: { ...name, parts: splits.map((_, i) => (i === at ? value : (name.parts[i] ?? ""))) } });
  const rest = splits.map((split, at) => ({ split, at })).filter(({ split, at }) => !isMainSplit(split, at));
  const user = (
    <TextField label={protocol.username.label || w.front.name} name="user" value={name.user} error={form.errors["user"]} autofocus={autofocus === "user"} autocomplete="username" onBlur={deal}
      onInput={(value) => (main && value.includes(main.separator) && !name.user.includes(main.separator) && value.length - name.user.length > 1
        ? form.set({ name: dealOut(value, splits, name.parts) })
        : form.set({ name: { ...name, user: value } }))}
    />
  );
  return (
    <>
      {main ? (
        <div class="joined">
          {user}
          <span class="joint" aria-hidden="true">{main.separator}</span>
          <TextField label={main.label} name="part-0" value={name.parts[0] ?? ""} error={form.errors["part-0"]} onInput={(value) => part(0, value)} placeholder={main.default ?? undefined} />
        </div>
      ) : user}
      {protocol.password !== "none" && (
        <TextField label={optional ? `${w.front.password} (${w.optional})` : w.front.password} name="password" masked value={form.values.password} error={form.errors["password"]} autofocus={autofocus === "password"} autocomplete="current-password"
          placeholder={existing && !form.errors["password"] ? w.accounts.keepPassword : undefined} hint={optional && !existing ? w.front.passwordMaybe : undefined} onInput={(password) => form.set({ password })} />
      )}
      {(rest.length > 0 || protocol.options.length > 0) && (
        <div class={open ? "options open" : "options"}>
          <button type="button" class="quiet options-toggle" aria-expanded={open} data-testid="more-options" onClick={() => setMore(!open)}>
            <Icon name={open ? "down" : "right"} size={15} />{open ? w.front.fewerOptions : w.front.moreOptions}
          </button>
          {open && (
            <div class="options-list">
              {rest.map(({ split, at }) => <TextField key={at} label={split.label} name={`part-${at}`} value={name.parts[at] ?? ""} onInput={(value) => part(at, value)} />)}
              {protocol.options.map((option) => <OptionField key={option.key} protocol={protocol.id} option={option} form={form} existing={existing} />)}
              {plain && <p class="field-hint" role="status" data-testid="plain-warning">{w.front.plain}</p>}
            </div>
          )}
        </div>
      )}
    </>
  );
}

