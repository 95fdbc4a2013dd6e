// The forms of this site's own users: sign in, make an account, recover it; it must not know where they show.
import { useSignal, type Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { invitation, mayRegister, recoverSite, registerSite, signInNamed, signInSite } from "../../app/session";
import { site } from "../../app/store";
import { CallError } from "../../net";
import { errorText, w } from "../../words";
import { TextField } from "../fields";
import { mayWrite } from "../focus";
import { Problem, useRetryAfter, waitText } from "./problem";

export type Face = "network" | "site" | "register" | "recover";

/** Bytes that a password has at least; the server counts so, too. */
const LEAST = 8;

interface Sending {
  busy: Signal<boolean>;
  error: Signal<unknown>;
  /** The box at fault, as the server names it, and why. */
  at: Signal<{ box: string; text: string } | null>;
  wait: number;
  /** With words of the form's own for what is wrong, by code. */
  run(send: () => Promise<void>, boxes: readonly string[], words?: Readonly<Record<string, string>>): void;
}

/** A form on its way: an error that is about one of its boxes shows there. */
export function useSending(): Sending {
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const at = useSignal<Sending["at"]["value"]>(null);
  const wait = useRetryAfter(error.value);
  const run: Sending["run"] = (send, boxes, words = {}) => {
    if (busy.peek() || wait > 0) return;
    busy.value = true;
    error.value = at.value = null;
    send().then(
      () => (busy.value = false),
      (cause: unknown) => {
        const failed = cause instanceof CallError ? cause : null;
        const own = failed && words[failed.code];
        const said = own ? { message: own } : cause;
        if (failed?.field && boxes.includes(failed.field)) at.value = { box: failed.field, text: errorText(said) };
        else error.value = said;
        busy.value = false;
      },
    );
  };
  return { busy, error, at, wait, run };
}

export function problemAt(sending: Sending, box: string): string | null {
  return sending.at.value?.box === box ? sending.at.value.text : null;
}

export function Failure({ sending }: { sending: Sending }) {
  return sending.error.value === null ? null : <Problem text={waitText(sending.error.value, sending.wait)} />;
}

export const longEnough = (password: string): boolean => new TextEncoder().encode(password).length >= LEAST;

function Submit({ sending, label, ready, testid }: { sending: Sending; label: string; ready: boolean; testid: string }) {
  const busy = sending.busy.value;
  return <button type="submit" class="primary big" disabled={busy || sending.wait > 0 || !ready} data-testid={testid}>{busy ? <><i class="spinner" />{w.front.signingIn}</> : label}</button>;
}

function Form({ testid, title, lead, send, children }: { testid: string; title: string; lead: string; send(): void; children: ComponentChildren }) {
  return (
    <form class="front-form" noValidate data-testid={testid} onSubmit={(event) => { event.preventDefault(); send(); }}>
      <h2 tabIndex={-1}>{title}</h2>
      <p class="lead">{lead}</p>
      {children}
    </form>
  );
}

interface To { go(face: Face): void }

function SignIn({ go }: To) {
  const name = useSignal("");
  const password = useSignal("");
  const sending = useSending();
  const send = () => sending.run(() => signInSite(name.value.trim(), password.value), []);
  return (
    <Form testid="site-form" title={w.front.siteSignIn} lead={w.front.siteLead} send={send}>
      <TextField label={w.front.name} name="site-name" value={name.value} autofocus={mayWrite()} autocomplete="username" onInput={(value) => (name.value = value)} />
      <TextField label={w.front.password} name="site-password" masked value={password.value} autocomplete="current-password" onInput={(value) => (password.value = value)} />
      <Failure sending={sending} />
      <Submit sending={sending} label={w.front.signIn} ready={name.value.trim() !== ""} testid="site-signin" />
      <p class="alt-links">
        <button type="button" class="text-link" onClick={() => go("recover")} data-testid="to-recover">{w.front.forgot}</button>
        {mayRegister.value && <button type="button" class="text-link" onClick={() => go("register")} data-testid="to-register">{w.front.makeSite}</button>}
      </p>
    </Form>
  );
}

/** Name, password and, where it is asked for, invitation of somebody new. */
export function useNewUser() {
  const name = useSignal("");
  const password = useSignal("");
  const invite = useSignal(invitation.value?.code ?? "");
  const asks = site.value?.registration === "invite" || invitation.value !== null;
  const sending = useSending();
  const tried = useSignal(false);
  const ready = name.value.trim() !== "" && password.value !== "" && (!asks || invite.value.trim() !== "");
  const send = (make: (name: string, password: string, invite: string) => Promise<void>) => {
    tried.value = true;
    if (ready && longEnough(password.value)) sending.run(() => make(name.value.trim(), password.value, asks ? invite.value.trim() : ""), ["name", "password", "invite"]);
  };
  const short = tried.value && password.value !== "" && !longEnough(password.value) ? w.front.passwordHint : null;
  const fields = (
    <>
      <TextField label={w.front.name} name="new-name" value={name.value} error={problemAt(sending, "name")} hint={w.front.nameHint} autofocus={mayWrite()} autocomplete="username" onInput={(value) => (name.value = value)} />
      <TextField label={w.front.password} name="new-password" masked value={password.value} error={problemAt(sending, "password") ?? short} hint={w.front.passwordHint} autocomplete="new-password" onInput={(value) => (password.value = value)} />
      {asks && <TextField label={w.front.invite} name="invite" value={invite.value} error={problemAt(sending, "invite")} hint={w.front.inviteHint} onInput={(value) => (invite.value = value)} />}
      <Failure sending={sending} />
    </>
  );
  return { fields, sending, ready, send };
}

function Register({ go }: To) {
  const { fields, sending, ready, send } = useNewUser();
  const first = invitation.value?.first === true;
  return (
    <Form testid="register-form" title={first ? w.front.firstTitle : w.front.makeSiteTitle} lead={first ? w.front.firstLead : w.front.makeSiteLead} send={() => send(registerSite)}>
      {fields}
      <Submit sending={sending} label={w.front.makeSite} ready={ready} testid="register" />
      {!first && <p class="alt">{w.front.haveSite} <button type="button" class="text-link" onClick={() => go("site")} data-testid="to-site">{w.front.signIn}</button></p>}
    </Form>
  );
}

function Recover({ go }: To) {
  const name = useSignal("");
  const code = useSignal("");
  const password = useSignal("");
  const tried = useSignal(false);
  const sending = useSending();
  const ready = name.value.trim() !== "" && code.value.trim() !== "" && password.value !== "";
  const send = () => {
    tried.value = true;
    if (ready && longEnough(password.value)) sending.run(() => recoverSite(name.value.trim(), code.value.trim(), password.value), ["name", "recovery", "password"], { bad_credentials: w.front.recoverWrong });
  };
  const short = tried.value && password.value !== "" && !longEnough(password.value) ? w.front.passwordHint : null;
  return (
    <Form testid="recover-form" title={w.front.recoverTitle} lead={w.front.recoverLead} send={send}>
      <TextField label={w.front.name} name="site-name" value={name.value} error={problemAt(sending, "name")} autofocus={mayWrite()} autocomplete="username" onInput={(value) => (name.value = value)} />
      <TextField label={w.front.recoverCode} name="recovery" value={code.value} error={problemAt(sending, "recovery")} onInput={(value) => (code.value = value)} />
      <TextField label={w.front.newPassword} name="new-password" masked value={password.value} error={problemAt(sending, "password") ?? short} hint={w.front.passwordHint} autocomplete="new-password" onInput={(value) => (password.value = value)} />
      <Failure sending={sending} />
      <Submit sending={sending} label={w.front.recover} ready={ready} testid="recover" />
      <p class="alt"><button type="button" class="text-link" onClick={() => go("site")} data-testid="to-site">{w.back}</button></p>
    </Form>
  );
}

/** Once in the life of a page: whoever has signed out is not signed in again at once. */
let triedNamed = false;

/** The proxy before the site says who it is: nothing to fill in. */
function AtProxy() {
  const sending = useSending();
  const send = () => sending.run(signInNamed, [], { missing_field: w.front.headerMissing });
  useEffect(() => {
    if (triedNamed) return;
    triedNamed = true;
    send();
  }, []);
  return (
    <Form testid="header-form" title={w.front.siteSignIn} lead={w.front.headerLead} send={send}>
      <Failure sending={sending} />
      <Submit sending={sending} label={w.front.headerSignIn} ready testid="header-signin" />
    </Form>
  );
}

export function SiteFace({ face, go }: To & { face: Face }) {
  if (site.value?.sign_in === "header") return <AtProxy />;
  return face === "register" ? <Register go={go} /> : face === "recover" ? <Recover go={go} /> : <SignIn go={go} />;
}
