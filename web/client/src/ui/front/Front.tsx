// The front page: choose a network, sign in; it must not know what comes after.
import { signal, useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { CallError } from "../../net";
import { canMake } from "../../app/making";
import { signInNetwork, signInSite, unreachable } from "../../app/session";
import { phase, protocols, site } from "../../app/store";
import type { Protocol } from "../../wire/types";
import { errorText, w } from "../../words";
import { CheckField, TextField } from "../fields";
import { mayWrite, useSettled } from "../focus";
import { NetworkTile } from "../glyphs";
import { radioKeys, radioStop } from "../radios";
import { Icon, Logo } from "../icons";
import { AccountFields, boxOf, changedOptions, useAccountForm, wireName } from "./accountForm";

/** Well-known networks first; the rest as the server lists them. */
const FIRST = ["prpl-jabber", "prpl-irc"];
const FOLD = 8;

/** The network last chosen: still chosen after a failed sign-in. */
const chosen = signal<string | null>(null);

export function sorted(list: readonly Protocol[]): Protocol[] {
  const rank = (one: Protocol) => (FIRST.indexOf(one.id) + FIRST.length + 1) % (FIRST.length + 1);
  return [...list].sort((a, b) => {
    const left = FIRST.includes(a.id) ? rank(a) : FIRST.length;
    const right = FIRST.includes(b.id) ? rank(b) : FIRST.length;
    return left - right;
  });
}

export function Tiles({ list, value, onChoose }: { list: readonly Protocol[]; value: string | null; onChoose(id: string): void }) {
  const [all, setAll] = useState(false);
  const folded = !all && list.length > FOLD;
  const seen = folded ? list.slice(0, FOLD - 1) : list;
  return (
    <div class="tiles" role="radiogroup" aria-label={w.front.networks} onKeyDown={radioKeys}>
      {seen.map((one, at) => (
        <button key={one.id} type="button" role="radio" aria-checked={one.id === value} tabIndex={radioStop(seen.findIndex((other) => other.id === value), at)} class="tile" data-testid={`tile-${one.id}`} onClick={() => onChoose(one.id)}>
          <NetworkTile protocol={one.id} /><span>{one.name}</span>
        </button>
      ))}
      {folded && (
        <button type="button" class="tile" aria-expanded={false} data-testid="tile-more" onClick={() => setAll(true)}>
          <span class="net-tile plain"><Icon name="more" size={22} /></span><span>{w.more}</span>
        </button>
      )}
    </div>
  );
}

export function Problem({ text }: { text: string }) {
  return <p class="problem" role="alert" data-testid="problem"><Icon name="warn" /><span>{text}</span></p>;
}

/** Counts an error's `retry_ms` down; the button is off meanwhile. */
export function useRetryAfter(error: unknown): number {
  const ms = error instanceof CallError ? (error.retryMs ?? 0) : 0;
  const [left, setLeft] = useState(0);
  useEffect(() => {
    const until = performance.now() + ms;
    const tick = () => setLeft(Math.max(0, Math.ceil((until - performance.now()) / 1000)));
    tick();
    if (ms === 0) return;
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  }, [error, ms]);
  return left;
}

function NetworkForm({ protocol }: { protocol: Protocol }) {
  const form = useAccountForm(protocol);
  const invisible = useSignal(false);
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const wait = useRetryAfter(error.value);
  const making = useSignal(false);
  const hides = protocol.statuses.some((status) => status.kind === "invisible");
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy.value || wait > 0 || !form.check()) return;
    busy.value = true;
    error.value = null;
    try {
      const options = changedOptions(protocol, form);
      await signInNetwork({
        protocol: protocol.id,
        ...wireName(protocol, form.values),
        ...(form.values.password === "" ? {} : { password: form.values.password }),
        ...(Object.keys(options).length > 0 ? { options } : {}),
        ...(invisible.value ? { status: "invisible" } : {}),
        ...(making.value ? { register: true } : {}),
      });
    } catch (cause) {
      const box = cause instanceof CallError ? boxOf(protocol, cause.field) : null;
      if (box) form.fail(box, errorText(cause));
      else error.value = cause;
      busy.value = false;
    }
  };
  return (
    <form class="front-form" noValidate onSubmit={(event) => void submit(event)} data-testid="network-form">
      <h2>{making.value ? w.front.makeWith(protocol.name) : w.front.signInWith(protocol.name)}</h2>
      {making.value && <p class="lead">{w.front.makeLead}</p>}
      <AccountFields protocol={protocol} form={form} autofocus={mayWrite() && !document.querySelector("[role=radio]:focus-visible") ? "user" : undefined} />
      {hides && <CheckField label={w.front.invisible} name="invisible" value={invisible.value} onInput={(on) => (invisible.value = on)} />}
      {error.value !== null && <Problem text={wait > 0 && error.value instanceof CallError ? `${errorText({ code: error.value.code, message: error.value.message })} ${w.waitSeconds(wait)}` : errorText(bare(error.value))} />}
      <button type="submit" class="primary big" disabled={busy.value || wait > 0} data-testid="signin">{busy.value ? <><i class="spinner" />{w.front.signingIn}</> : making.value ? w.front.make : w.front.signIn}</button>
      {canMake(protocol) && (
        <p class="alt">{!making.value && w.front.noAccount(protocol.name)} <button type="button" class="text-link" data-testid="make-account" onClick={() => (making.value = !making.value)}>{making.value ? w.front.haveOne : w.front.makeOne}</button></p>
      )}
    </form>
  );
}

/** The error without its wait, once that is over. */
const bare = (error: unknown): unknown => (error instanceof CallError ? { code: error.code, message: error.message } : error);

function SiteForm() {
  const name = useSignal("");
  const password = useSignal("");
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const wait = useRetryAfter(error.value);
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy.value || wait > 0) return;
    busy.value = true;
    error.value = null;
    try {
      await signInSite(name.value.trim(), password.value);
    } catch (cause) {
      error.value = cause;
      busy.value = false;
    }
  };
  return (
    <form class="front-form" noValidate onSubmit={(event) => void submit(event)} data-testid="site-form">
      <h2>{w.front.siteSignIn}</h2>
      <p class="lead">{w.front.siteLead}</p>
      <TextField label={w.front.name} name="site-name" value={name.value} autofocus={mayWrite()} autocomplete="username" onInput={(value) => (name.value = value)} />
      <TextField label={w.front.password} name="site-password" masked value={password.value} autocomplete="current-password" onInput={(value) => (password.value = value)} />
      {error.value !== null && <Problem text={wait > 0 ? `${errorText(bare(error.value))} ${w.waitSeconds(wait)}` : errorText(bare(error.value))} />}
      <button type="submit" class="primary big" disabled={busy.value || wait > 0 || name.value.trim() === ""} data-testid="site-signin">{busy.value ? <><i class="spinner" />{w.front.signingIn}</> : w.front.signIn}</button>
    </form>
  );
}

function reasonText(reason: string | null): string | null {
  if (reason === null) return null;
  return reason === "session_ended" ? w.front.sessionEnded : w.front.signedOut;
}

export function Front() {
  const list = sorted(protocols.value ?? []);
  const theSite = site.value;
  const siteForm = useSignal(false);
  const guests = theSite?.guests ?? true;
  const onSite = siteForm.value || !guests;
  const current = list.find((one) => one.id === chosen.value) ?? list[0] ?? null;
  const reason = phase.value.kind === "front" ? reasonText(phase.value.reason) : null;
  const known = protocols.value !== null && theSite !== null;
  useSettled([onSite], known);
  return (
    <main class="front">
      <div class="card">
        <section class="card-left">
          <span class="logo"><Logo />{theSite?.name && theSite.name !== "bellflower" ? theSite.name : w.app}</span>
          <h1 tabIndex={-1}>{w.front.headline}</h1>
          <p class="lead">{guests ? w.front.lead : w.front.guestsOff}</p>
          {theSite?.notice && <p class="notice" data-testid="site-notice">{theSite.notice}</p>}
          {guests && known && (list.length > 0
            ? <Tiles list={list} value={onSite ? null : (current?.id ?? null)} onChoose={(id) => { chosen.value = id; siteForm.value = false; }} />
            : <p class="lead">{w.front.noProtocols}</p>)}
          {!known && unreachable.value === null && <div class="tiles" aria-hidden="true">{Array.from({ length: 8 }, (_, at) => <span key={at} class="tile ghost" />)}</div>}
        </section>
        <section class="card-right">
          {reason && <p class="notice" role="status">{reason}</p>}
          {unreachable.value !== null && <Problem text={`${errorText(unreachable.value)} ${w.front.triesAgain}`} />}
          {known && (onSite ? <SiteForm /> : current && <NetworkForm key={current.id} protocol={current} />)}
          {known && guests && (
            <p class="alt">
              {onSite
                ? <button type="button" class="text-link" onClick={() => (siteForm.value = false)} data-testid="to-network">{w.front.useNetwork}</button>
                : <>{w.front.haveAccount} <button type="button" class="text-link" onClick={() => (siteForm.value = true)} data-testid="to-site">{w.front.signIn}</button></>}
            </p>
          )}
        </section>
      </div>
    </main>
  );
}
