// What a network has to say: words, a profile, search results, a page to open; it must not open anything by itself.
import { useSignal } from "@preact/signals";
import { choose, titleOf } from "../../app/prompts";
import { command, tell } from "../../app/store";
import type { Notice } from "../../wire/types";
import { errorText, w } from "../../words";
import { Dialog, toast } from "../Dialog";
import { Entries } from "../people/Entries";
import { safeLink, Spans } from "../talk/Spans";
import { accountLine, Card, Mark } from "./Card";
import { useReady } from "./ready";

const titled = (notice: Notice): string => titleOf({ key: "", kind: "notice", of: notice });
/** More of it than this is read in a dialog: characters. */
const LONG = 280;

/** What can be opened, with its address in full. */
function Open({ link }: { link: string }) {
  return <a class="button" href={link} target="_blank" rel="noopener noreferrer">{w.notice.open}</a>;
}

export function NoticeCard({ id, notice, at }: { id: string; notice: Notice; at: number }) {
  const closed = useSignal(false);
  const close = () => {
    closed.value = true;
    tell("notice.close", { notice: notice.id });
  };
  const link = safeLink(notice.url);
  const length = (notice.body ?? []).reduce((sum, span) => sum + span.text.length, 0);
  const more = length > LONG || (notice.rows ?? []).length > 0 || (notice.buttons ?? []).length > 0;
  return (
    <Card id={id} testid={`notice-${notice.kind}`} title={titled(notice)} account={notice.account} at={at} answered={closed} mark={<Mark name="chat" />}
      actions={
        <>
          {more && <button type="button" onClick={() => choose(id)} data-testid="prompt-open">{w.request.show}</button>}
          {link && <Open link={link} />}
          <button type="button" class="primary" onClick={close} data-testid="notice-close">{w.close}</button>
        </>
      }>
      {length > 0 && <div dir="auto" class={more ? "prose clipped" : "prose"}><Spans spans={notice.body ?? []} /></div>}
      {link && <p class="mono">{link}</p>}
    </Card>
  );
}

export function NoticeDialog({ notice, onLater }: { notice: Notice; onLater(): void }) {
  const row = useSignal<number | null>(null);
  const ready = useReady();
  const close = () => tell("notice.close", { notice: notice.id });
  const act = (button: string) => {
    if (row.value === null) return toast(w.notice.choose);
    command("notice.action", { notice: notice.id, button, row: row.value }).catch((error: unknown) => toast(errorText(error)));
  };
  const link = safeLink(notice.url);
  return (
    <Dialog title={titled(notice)} testid={`notice-${notice.kind}`} wide={notice.kind === "search"} onClose={() => (ready.takes() ? close() : onLater())} ready={ready}
      actions={
        <>
          {(notice.buttons ?? []).map((button) => <button key={button.id} type="button" onClick={() => act(button.id)} data-testid={`notice-button-${button.id}`}>{button.label}</button>)}
          {link && <Open link={link} />}
          <button type="button" class="primary" onClick={close} data-testid="notice-close">{w.close}</button>
        </>
      }>
      {accountLine(notice.account) && <p class="lead small">{accountLine(notice.account)}</p>}
      {notice.profile ? <Entries profile={notice.profile} /> : notice.body && notice.body.length > 0 && <div dir="auto" class="prose"><Spans spans={notice.body} /></div>}
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
