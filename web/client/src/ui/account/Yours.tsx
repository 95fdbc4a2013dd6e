// The user's own account on this site: password, browsers, history, export, end; it must not touch IM accounts.
import { signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { serverNow } from "../../app/clock";
import { command, settings, user } from "../../app/store";
import { exportUrl, me, signOutBrowsers } from "../../net";
import { historyOf } from "../../state/keeping";
import type { Me, SignedIn } from "../../wire/types";
import { ago, bytes, date, errorText, w } from "../../words";
import { Dialog, openDialog, toast } from "../Dialog";
import { confirm } from "../dialogs/Ask";
import { CheckField, SelectField } from "../fields";
import { Problem } from "../front/problem";
import { codeDialog, deleteDialog, passwordDialog } from "./secrets";

const DAYS = [7, 30, 90, 365];
const say = (error: unknown): void => toast(errorText(error));

/** As last told; null before the first answer. */
const told = signal<Me | null>(null);

async function ask(): Promise<void> {
  told.value = await me();
}

function Part({ title, children, testid }: { title: string; children: ComponentChildren; testid: string }) {
  return <section class="part" aria-label={title} data-testid={testid}><h3>{title}</h3>{children}</section>;
}

function signOut(which: Parameters<typeof signOutBrowsers>[0]): void {
  signOutBrowsers(which).then(ask).catch(say);
}

function Browser({ one }: { one: SignedIn }) {
  const device = one.device || w.mine.unknownDevice;
  return (
    <li class={one.current ? "browser current" : "browser"} data-testid="browser" data-current={one.current}>
      <span class="two">
        <b>{device}</b>
        <small title={w.mine.signedIn(date(one.created))}>{one.current ? w.mine.thisOne : w.mine.used(ago(one.used, serverNow()))}</small>
      </span>
      {!one.current && <button type="button" class="text-link" aria-label={w.mine.outOf(device)} onClick={() => signOut({ browser: one.id })} data-testid="browser-out">{w.mine.out}</button>}
    </li>
  );
}

function Browsers({ list }: { list: readonly SignedIn[] }) {
  const everywhere = () => confirm({ title: w.mine.everywhereTitle, text: w.mine.everywhereLead, yes: w.mine.everywhere, danger: true, run: () => signOutBrowsers({ all: true }) });
  return (
    <Part title={w.mine.browsers} testid="browsers">
      <p class="lead small">{w.mine.browsersLead}</p>
      <ul class="browsers">{list.map((one) => <Browser key={one.id} one={one} />)}</ul>
      <p class="button-row">
        {list.length > 1 && <button type="button" class="soft" onClick={() => signOut({ others: true })} data-testid="sign-out-others">{w.mine.others}</button>}
        <button type="button" class="soft" onClick={everywhere} data-testid="sign-out-all">{w.mine.everywhere}</button>
      </p>
    </Part>
  );
}

function History() {
  const { keep, days } = historyOf(settings.value);
  const set = (fields: Record<string, unknown>) => command("history.set", fields);
  const setDays = (text: string) => {
    const next = Number(text);
    const run = () => set({ days: next });
    // It shows what holds until the daemon says otherwise.
    const box = document.querySelector<HTMLSelectElement>("[data-testid=field-history-days]");
    if (box) box.value = String(days);
    // Shorter than before: what is older goes.
    if (next > 0 && (days === 0 || next < days)) confirm({ title: w.mine.shorterTitle(next), text: w.mine.shorterLead, yes: w.mine.shorterYes, danger: true, run });
    else run().catch(say);
  };
  const choices = [...new Set([0, ...DAYS, days])].sort((a, b) => (a || Infinity) - (b || Infinity)).map((n) => ({ value: String(n), label: n === 0 ? w.mine.forever : w.mine.daysCount(n) }));
  return (
    <Part title={w.mine.history} testid="history-part">
      <CheckField label={w.mine.keepHistory} name="keep-history" value={keep} onInput={(on) => { set({ keep: on }).catch(say); }} />
      <p class="field-hint">{w.mine.keepHint}</p>
      {keep && <SelectField key={days} label={w.mine.days} name="history-days" value={String(days)} choices={choices} onInput={setDays} />}
    </Part>
  );
}

function Yours({ close }: { close(): void }) {
  const error = useSignal<unknown>(null);
  useEffect(() => {
    ask().catch((cause: unknown) => (error.value = cause));
    return () => { told.value = null; };
  }, []);
  const mine = told.value;
  const name = user.value?.name ?? "";
  return (
    <Dialog title={w.mine.title} testid="yours-dialog" wide onClose={close}>
      {error.value !== null && <Problem text={errorText(error.value)} />}
      {!mine && error.value === null && <p class="lead wait" role="status"><i class="spinner" />{w.loading}</p>}
      {mine && (
        <>
          <div class="whoami">
            <b>{name}</b>
            <small>{w.mine.since(date(mine.created))} · {w.mine.accounts(mine.accounts, mine.limits.accounts)} · <span data-testid="usage">{w.mine.usage(bytes(mine.usage), mine.limits.storage_bytes > 0 ? bytes(mine.limits.storage_bytes) : null)}</span></small>
          </div>
          <Part title={w.mine.password} testid="password-part">
            <p class="lead small">{mine.recovery ? w.mine.recoveryHas : w.mine.recoveryNone}</p>
            <p class="button-row">
              <button type="button" class="soft" onClick={passwordDialog} data-testid="change-password">{w.mine.change}</button>
              <button type="button" class="soft" onClick={() => codeDialog(ask)} data-testid="new-code">{w.mine.newCode}</button>
            </p>
          </Part>
          <Browsers list={mine.browsers} />
          <History />
          <Part title={w.mine.export} testid="export-part">
            <p class="lead small">{w.mine.exportLead}</p>
            <p class="button-row">
              <a class="button soft" href={exportUrl("html")} download data-testid="export-html">{w.mine.exportHtml}</a>
              <a class="button soft" href={exportUrl("json")} download data-testid="export-json">{w.mine.exportJson}</a>
            </p>
          </Part>
          <p class="end-of-all"><button type="button" class="text-link danger" onClick={deleteDialog} data-testid="delete-me">{w.mine.delete}</button></p>
        </>
      )}
    </Dialog>
  );
}

export function yoursDialog(): void {
  openDialog((close) => <Yours close={close} />);
}
