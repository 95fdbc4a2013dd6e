// The front page: choose a network, sign in; it must not know what comes after.
import { signal, useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { CallError } from "../../net";
import { canMake } from "../../app/making";
import { invitation, lastWay, mayRegister, signInNetwork, unreachable } from "../../app/session";
import { phase, protocols, site } from "../../app/store";
import type { Protocol } from "../../wire/types";
import { errorText, w } from "../../words";
import { CheckField } from "../fields";
import { mayWrite, useSettled } from "../focus";
import { NetworkTile } from "../glyphs";
import { radioKeys, radioStop } from "../radios";
import { Icon, Logo } from "../icons";
import { bare, Problem, useRetryAfter } from "./problem";
import { SiteFace, type Face } from "./siteForms";
import { AccountFields, boxOf, changedOptions, useAccountForm, wireName } from "./accountForm";

/** Well-known networks first; the rest as the server lists them. */
const FIRST = ["prpl-jabber", "prpl-irc"];
const FOLD = 8;

/** The network last chosen: still chosen after a failed sign-in. */
const chosen = signal<string | null>(null);

/** The networks to choose from: without those that are switched off. */
export function offered(list: readonly Protocol[]): Protocol[] {
  const rank = (one: Protocol) => (FIRST.indexOf(one.id) + FIRST.length + 1) % (FIRST.length + 1);
  return list.filter((one) => !one.disabled).sort((a, b) => {
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
        <button key={one.id} type="button" role="radio" aria-checked={one.id === value} tabIndex={radioStop(seen.findIndex((other) => other.id === value), at)} class="tile" title={one.name} data-testid={`tile-${one.id}`} onClick={() => onChoose(one.id)}>
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

function reasonText(reason: string | null): string | null {
  if (reason === null) return null;
  switch (reason) {
    case "session_ended":
      return w.front.sessionEnded;
    // Nobody signed out: the server has never heard of the visit.
    case "not_signed_in":
      return w.front.forgotten;
    case "deleted":
      return w.front.deleted;
    default:
      return w.front.signedOut;
  }
}

/** What the right side shows; null: what suits the site and this browser. */
const face = signal<Face | null>(null);

function faceOf(guests: boolean, users: boolean): Face {
  const wanted = face.value ?? (invitation.value ? "register" : lastWay() === "site" || site.value?.sign_in === "header" ? "site" : "network");
  if (wanted === "register" && mayRegister.value) return wanted;
  if (wanted === "network" || !users) return guests ? "network" : "site";
  return wanted === "recover" && site.value?.sign_in !== "header" ? wanted : "site";
}

export function Front() {
  const list = offered(protocols.value ?? []);
  const theSite = site.value;
  const guests = theSite?.guests ?? true;
  const users = theSite?.store === true;
  const shown = faceOf(guests, users);
  const onSite = shown !== "network";
  const go = (to: Face) => (face.value = to);
  const current = list.find((one) => one.id === chosen.value) ?? list[0] ?? null;
  const reason = phase.value.kind === "front" ? reasonText(phase.value.reason) : null;
  const known = protocols.value !== null && theSite !== null;
  useSettled([shown], known);
  // The next visit begins as this one.
  useEffect(() => () => { face.value = null; }, []);
  return (
    <main class="front">
      <div class={onSite ? "card on-site" : "card"}>
        <section class="card-left">
          <span class="logo"><Logo />{theSite?.name && theSite.name !== "bellflower" ? theSite.name : w.app}</span>
          <h1 tabIndex={-1}>{w.front.headline}</h1>
          <p class="lead">{guests ? w.front.lead : w.front.guestsOff}</p>
          {theSite?.notice && <p class="notice" data-testid="site-notice">{theSite.notice}</p>}
          {guests && known && (list.length > 0
            ? <Tiles list={list} value={onSite ? null : (current?.id ?? null)} onChoose={(id) => { chosen.value = id; go("network"); }} />
            : <p class="lead">{w.front.noProtocols}</p>)}
          {!known && unreachable.value === null && <div class="tiles" aria-hidden="true">{Array.from({ length: 8 }, (_, at) => <span key={at} class="tile ghost" />)}</div>}
        </section>
        <section class="card-right">
          {reason && <p class="notice" role="status">{reason}</p>}
          {unreachable.value !== null && <Problem text={`${errorText(unreachable.value)} ${w.front.triesAgain}`} />}
          {known && (onSite ? (users || guests ? <SiteFace face={shown} go={go} /> : <p class="lead">{w.front.closedSite}</p>) : current && <NetworkForm key={current.id} protocol={current} />)}
          {known && (onSite ? guests : users) && (
            <p class="alt">
              {onSite
                ? <button type="button" class="text-link" onClick={() => go("network")} data-testid="to-network">{w.front.useNetwork}</button>
                : <>{w.front.haveAccount} <button type="button" class="text-link" onClick={() => go("site")} data-testid="to-site">{w.front.signIn}</button></>}
            </p>
          )}
        </section>
      </div>
    </main>
  );
}
