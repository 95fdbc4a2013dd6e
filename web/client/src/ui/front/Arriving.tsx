// Between a guest's sign-in and the desk: progress, or what went wrong and a way to correct it; it must not decide when it shows.
import { useSignal } from "@preact/signals";
import { goOn, signOut } from "../../app/session";
import { makeAccount } from "../../app/making";
import { command, protocolOf } from "../../app/store";
import type { Account, Protocol } from "../../wire/types";
import { accountErrorText, errorText, w } from "../../words";
import { PromptPill } from "../dialogs/PromptPill";
import { useSettled } from "../focus";
import { NetworkTile } from "../glyphs";
import { Logo } from "../icons";
import { Countdown, isRestarting, isSetAside, progressText } from "../accountState";
import { AccountFields, changedOptions, firstBox, isAtBox, useAccountForm, wireName } from "./accountForm";
import { Problem } from "./problem";

function Correct({ account, protocol, onSent }: { account: Account; protocol: Protocol; onSent(): void }) {
  const form = useAccountForm(protocol, account);
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const unmade = account.error?.code === "not_registered";
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy.value || !form.check()) return;
    busy.value = true;
    error.value = null;
    try {
      const options = changedOptions(protocol, form);
      const { password } = form.values;
      await command("account.update", {
        account: account.id,
        ...wireName(protocol, form.values),
        ...(password === "" ? {} : { password }),
        ...(Object.keys(options).length > 0 ? { options } : {}),
      });
      if (unmade) await makeAccount(account.id, form.values.name.user.trim(), password);
      else await command(account.enabled ? "account.connect" : "account.enable", { account: account.id });
      onSent();
    } catch (cause) {
      error.value = cause;
    }
    busy.value = false;
  };
  return (
    <form class="front-form" noValidate onSubmit={(event) => void submit(event)} data-testid="correct-form">
      <h2 tabIndex={-1}>{unmade ? w.front.notMade : w.front.notSignedIn}</h2>
      {!isAtBox(account) && <Problem text={accountErrorText(account.error)} />}
      <p class="lead">{w.front.changeDetails}</p>
      <AccountFields protocol={protocol} form={form} existing autofocus={firstBox(account)} />
      {error.value !== null && <Problem text={errorText(error.value)} />}
      <button type="submit" class="primary big" disabled={busy.value} data-testid="signin">{w.retry}</button>
      <p class="alt"><button type="button" class="text-link" onClick={() => void signOut()} data-testid="start-over">{w.front.startOver}</button></p>
    </form>
  );
}

/** Nothing to correct: it takes time. */
function Aside({ account }: { account: Account }) {
  const error = useSignal<unknown>(null);
  const again = () => {
    error.value = null;
    command("account.connect", { account: account.id }).catch((cause: unknown) => (error.value = cause));
  };
  return (
    <>
      <h2 tabIndex={-1}>{w.front.setAside}</h2>
      <p class="who">{account.username}</p>
      <p class="lead">{accountErrorText(account.error)}</p>
      {error.value !== null && <Problem text={errorText(error.value)} />}
      <button type="button" class="primary" onClick={again} data-testid="account-retry">{w.retry}</button>
    </>
  );
}

export function Arriving({ account }: { account: Account }) {
  const protocol = protocolOf(account.protocol);
  const failed = account.state === "error" || (account.error?.fatal === true && account.state !== "connecting") || (account.state === "offline" && !!account.error);
  // It tries by itself, and whoever sees why it cannot work need not wait.
  const correcting = useSignal(false);
  const corrects = failed || correcting.value;
  useSettled([account.state, corrects]);
  return (
    <main class="front">
      <div class="card narrow" data-testid="arriving" data-state={account.state}>
        <section class="card-right">
          <span class="logo"><Logo />{w.app}</span>
          {corrects && protocol && !isSetAside(account) ? <Correct key={account.id} account={account} protocol={protocol} onSent={() => (correcting.value = false)} /> : (
            <div class="arriving" role="status">
              <span class="halo"><NetworkTile protocol={account.protocol} size={64} /></span>
              {isSetAside(account) ? <Aside account={account} /> : account.state === "waiting" ? (
                <>
                  <h2 tabIndex={-1}>{w.front.connecting(protocol?.name ?? account.protocol)}</h2>
                  <p class="who">{account.username}</p>
                  <Problem text={accountErrorText(account.error)} />
                  <p class="lead">{w.front.stillWaiting} <Countdown to={account.retry_at} /></p>
                  <button type="button" class="primary" onClick={() => void command("account.connect", { account: account.id }).catch(() => undefined)}>{w.accounts.retryNow}</button>
                  <button type="button" class="text-link" onClick={() => (correcting.value = true)} data-testid="correct">{w.front.correct}</button>
                </>
              ) : (
                <>
                  <h2 tabIndex={-1}>{(isRestarting(account) ? w.front.reconnecting : w.front.connecting)(protocol?.name ?? account.protocol)}</h2>
                  <p class="who">{account.username}</p>
                  <div class="progress"><i /></div>
                  <p class="lead">{isRestarting(account) ? w.accounts.restarting : progressText(account) || w.front.connectingLead}</p>
                </>
              )}
              <PromptPill />
              <p class="alt">
                <button type="button" class="text-link" onClick={() => void signOut()} data-testid="start-over">{w.front.startOver}</button>
                {" · "}
                <button type="button" class="text-link" onClick={goOn} data-testid="go-on">{w.front.goOn}</button>
              </p>
            </div>
          )}
        </section>
      </div>
    </main>
  );
}
