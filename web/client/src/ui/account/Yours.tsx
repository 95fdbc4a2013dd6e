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
import { m } from "../../words/later";
import { toast } from "../Dialog";
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
  return <section class="part" aria-label={title} data-testid={testid}><h4>{title}</h4>{children}</section>;
}

function signOut(which: Parameters<typeof signOutBrowsers>[0]): void {
  signOutBrowsers(which).then(ask).catch(say);
}

function Browser({ one }: { one: SignedIn }) {
  const device = one.device || m.mine.unknownDevice;
  return (
    <li class={one.current ? "browser current" : "browser"} data-testid="browser" data-current={one.current}>
      <span class="two">
        <b>{device}</b>
        <small title={m.mine.signedIn(date(one.created))}>{one.current ? m.mine.thisOne : m.mine.used(ago(one.used, serverNow()))}</small>
      </span>
      {!one.current && <button type="button" class="text-link" aria-label={m.mine.outOf(device)} onClick={() => signOut({ browser: one.id })} data-testid="browser-out">{m.mine.out}</button>}
    </li>
  );
}

function Browsers({ list }: { list: readonly SignedIn[] }) {
  const everywhere = () => confirm({ title: m.mine.everywhereTitle, text: m.mine.everywhereLead, yes: m.mine.everywhere, danger: true, run: () => signOutBrowsers({ all: true }) });
  return (
    <Part title={m.mine.browsers} testid="browsers">
      <p class="lead small">{m.mine.browsersLead}</p>
      <ul class="browsers">{list.map((one) => <Browser key={one.id} one={one} />)}</ul>
      <p class="button-row">
        {list.length > 1 && <button type="button" class="soft" onClick={() => signOut({ others: true })} data-testid="sign-out-others">{m.mine.others}</button>}
        <button type="button" class="soft" onClick={everywhere} data-testid="sign-out-all">{m.mine.everywhere}</button>
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
    if (next > 0 && (days === 0 || next < days)) confirm({ title: m.mine.shorterTitle(next), text: m.mine.shorterLead, yes: m.mine.shorterYes, danger: true, run });
    else run().catch(say);
  };
  const choices = [...new Set([0, ...DAYS, days])].sort((a, b) => (a || Infinity) - (b || Infinity)).map((n) => ({ value: String(n), label: n === 0 ? m.mine.forever : m.mine.daysCount(n) }));
  return (
    <Part title={m.mine.history} testid="history-part">
      <CheckField label={m.mine.keepHistory} name="keep-history" value={keep} onInput={(on) => { set({ keep: on }).catch(say); }} />
      <p class="field-hint">{m.mine.keepHint}</p>
      {keep && <SelectField key={days} label={m.mine.days} name="history-days" value={String(days)} choices={choices} onInput={setDays} />}
    </Part>
  );
}

/** Among the settings. */
export function Yours() {
  const error = useSignal<unknown>(null);
  useEffect(() => {
    ask().catch((cause: unknown) => (error.value = cause));
    return () => { told.value = null; };
  }, []);
  const mine = told.value;
  const name = user.value?.name ?? "";
  if (error.value !== null) return <Problem text={errorText(error.value)} />;
  if (!mine) return <p class="lead wait" role="status"><i class="spinner" />{w.loading}</p>;
  return (
    <>
      <div class="whoami">
        <b>{name}</b>
        <small>{m.mine.since(date(mine.created))} · {m.mine.accounts(mine.accounts, mine.limits.accounts)} · <span data-testid="usage">{m.mine.usage(bytes(mine.usage), mine.limits.storage_bytes > 0 ? bytes(mine.limits.storage_bytes) : null)}</span></small>
      </div>
      <Part title={m.mine.password} testid="password-part">
        <p class="lead small">{mine.recovery ? m.mine.recoveryHas : m.mine.recoveryNone}</p>
        <p class="button-row">
          <button type="button" class="soft" onClick={passwordDialog} data-testid="change-password">{m.mine.change}</button>
          <button type="button" class="soft" onClick={() => codeDialog(ask)} data-testid="new-code">{m.mine.newCode}</button>
        </p>
      </Part>
      <Browsers list={mine.browsers} />
      <History />
      <Part title={m.mine.export} testid="export-part">
        <p class="lead small">{m.mine.exportLead}</p>
        <p class="button-row">
          <a class="button soft" href={exportUrl("html")} download data-testid="export-html">{m.mine.exportHtml}</a>
          <a class="button soft" href={exportUrl("json")} download data-testid="export-json">{m.mine.exportJson}</a>
        </p>
      </Part>
      <p class="end-of-all"><button type="button" class="text-link danger" onClick={deleteDialog} data-testid="delete-me">{m.mine.delete}</button></p>
    </>
  );
}
