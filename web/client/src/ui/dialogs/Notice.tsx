// What a network has to say: words, a profile, search results, a page to open; it must not open anything by itself.
import { useSignal } from "@preact/signals";
import { command, tell } from "../../app/store";
import type { Notice } from "../../wire/types";
import { errorText, w } from "../../words";
import { Dialog, toast } from "../Dialog";
import { safeLink, Spans } from "../talk/Spans";
import { accountLine } from "./Prompts";

export function NoticeDialog({ notice }: { notice: Notice }) {
  const row = useSignal<number | null>(null);
  const close = () => tell("notice.close", { notice: notice.id });
  const title = notice.title || { message: w.app, formatted: w.app, mail: w.notice.mail, userinfo: w.notice.userinfo, search: w.notice.search, uri: w.notice.uri }[notice.kind];
  const act = (button: string) => {
    if (row.value === null) return toast(w.notice.choose);
    command("notice.action", { notice: notice.id, button, row: row.value }).catch((error: unknown) => toast(errorText(error)));
  };
  const link = safeLink(notice.url);
  return (
    <Dialog title={title} testid={`notice-${notice.kind}`} wide={notice.kind === "search"} onClose={close}
      actions={
        <>
          {(notice.buttons ?? []).map((button) => <button key={button.id} type="button" onClick={() => act(button.id)} data-testid={`notice-button-${button.id}`}>{button.label}</button>)}
          {link && <a class="button" href={link} target="_blank" rel="noopener noreferrer">{w.notice.open}</a>}
          <button type="button" class="primary" autofocus onClick={close} data-testid="notice-close">{w.close}</button>
        </>
      }>
      {accountLine(notice.account) && <p class="lead small">{accountLine(notice.account)}</p>}
      {notice.body && notice.body.length > 0 && <div class="prose"><Spans spans={notice.body} /></div>}
      {link && <p class="mono">{link}</p>}
      {notice.rows && notice.rows.length > 0 && (
        <div class="table-frame">
          <table>
            {notice.columns && notice.columns.length > 0 && <thead><tr>{notice.columns.map((one) => <th key={one} scope="col">{one}</th>)}</tr></thead>}
            <tbody>
              {notice.rows.map((cells, at) => (
                <tr key={at} aria-selected={row.value === at} tabIndex={0} onClick={() => (row.value = at)} onKeyDown={(event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); row.value = at; } }}>
                  {cells.map((cell, i) => <td key={i}>{cell}</td>)}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Dialog>
  );
}
